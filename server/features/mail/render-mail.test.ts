import { expect, it } from 'vitest';
import { renderMail } from './render-mail.ts';
import { type MailTemplate, mailTemplates } from './templates.ts';

const isTemplate = (name: string): name is MailTemplate => Object.hasOwn(mailTemplates, name);

it.each(Object.keys(mailTemplates).filter(isTemplate))(
  '%s has all its texts, and says whose mail it is',
  async (template) => {
    const parameters: Record<string, string | number> = {};
    for (const name of mailTemplates[template]) parameters[name] = `«${name}»`;
    if ('url' in parameters) parameters.url = 'https://crosswalk.example/page';
    const { subject, html, text } = await renderMail(template, 'en', parameters);
    for (const part of [subject, html, text]) {
      expect(part).not.toMatch(/\{\w+\}/);
      expect(part).not.toContain(`mail.${template}`);
    }
    expect(subject.length).toBeGreaterThan(5);
    if ('school' in parameters) expect(text).toContain('your role at «school»');
    if ('url' in parameters) expect(text).toContain('https://crosswalk.example/page');
  },
);
