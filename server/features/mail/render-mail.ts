import { Body, Button, Container, Head, Heading, Hr, Html, Preview, render, Text } from '@react-email/components';
import { createElement as h } from 'react';
import { translate } from '#messages/translate.ts';
import type { MailTemplate } from './templates.ts';

export interface RenderedMail {
  readonly subject: string;
  readonly html: string;
  readonly text: string;
}

const font = '"Atkinson Hyperlegible Next", "Segoe UI", system-ui, sans-serif';

/**
 * One layout for every mail: heading, paragraphs, at most one button, and the bare address below it. `parameters.url`
 * is what the button opens.
 */
export async function renderMail(
  template: MailTemplate,
  locale: string,
  parameters: Readonly<Record<string, string | number>>,
): Promise<RenderedMail> {
  const t = (key: string, withValues: Record<string, string | number> = {}) =>
    translate(locale, `mail.${key}`, withValues);
  const values = { organisation: parameters.school ?? '', ...parameters };
  const paragraphs = t(`${template}.body`, values).split('\n\n');
  const url = typeof parameters.url === 'string' ? parameters.url : null;
  const subject = t(`${template}.subject`, values);
  const document = h(
    Html,
    { lang: locale },
    h(Head, null),
    h(Preview, null, paragraphs[0] ?? subject),
    h(
      Body,
      { style: { background: '#faf9f6', color: '#1d2230', fontFamily: font, margin: 0, padding: '24px 0' } },
      h(
        Container,
        { style: { background: '#ffffff', border: '1px solid #e2e0da', borderRadius: 10, padding: 28, maxWidth: 560 } },
        h(
          Heading,
          { as: 'h1', style: { fontSize: 22, lineHeight: 1.25, margin: '0 0 16px' } },
          t(`${template}.heading`, values),
        ),
        ...paragraphs.map((text, key) =>
          h(Text, { key, style: { fontSize: 15, lineHeight: 1.55, margin: '0 0 12px' } }, text),
        ),
        ...(url === null
          ? []
          : [
              h(
                Button,
                {
                  key: 'button',
                  href: url,
                  style: {
                    background: '#2d4a9e',
                    color: '#ffffff',
                    borderRadius: 8,
                    padding: '11px 18px',
                    fontWeight: 600,
                    fontSize: 15,
                  },
                },
                t(`${template}.button`, values),
              ),
              h(
                Text,
                { key: 'hint', style: { fontSize: 13, color: '#555b6b', margin: '18px 0 0' } },
                t('linkHint'),
                ' ',
                url,
              ),
            ]),
        h(Hr, { style: { borderColor: '#e2e0da', margin: '22px 0 12px' } }),
        h(
          Text,
          { style: { fontSize: 13, color: '#555b6b', margin: 0 } },
          t(values.organisation === '' ? 'footerOfAccount' : 'footer', values),
        ),
      ),
    ),
  );
  return { subject, html: await render(document), text: await render(document, { plainText: true }) };
}
