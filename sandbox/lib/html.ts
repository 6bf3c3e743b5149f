/** The administrators' pages of the sandbox: one plain layout, server-rendered, no script, readable on a phone. */

import { html, raw } from 'hono/html';
import { z } from 'zod';
import type { Faults } from './faults.ts';
import { faultSchema } from './faults.ts';
import type { LogEntry } from './log.ts';

export type Html = ReturnType<typeof html>;

const style = `
:root { color-scheme: light dark; --ink: #1d2129; --soft: #5a6270; --paper: #fbfaf8; --card: #fff; --line: #8b8f98; --accent: #0b5c8a; --bad: #a3202a; --good: #17663a; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceef2; --soft: #b3bac6; --paper: #15181d; --card: #1e232b; --line: #6d7583; --accent: #7cc4ee; --bad: #ff9a9f; --good: #8fd9ab; } }
* { box-sizing: border-box; }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
header, main, footer { max-width: 70rem; margin: 0 auto; padding: 1rem; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline; border-bottom: 3px solid var(--accent); }
header strong { font-size: 1.2rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 1rem 0 .5rem; } h2 { font-size: 1.15rem; margin: 0 0 .5rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 1rem 0; }
a { color: var(--accent); }
label { display: block; font-weight: 600; margin: .5rem 0 .2rem; }
.choice { font-weight: 400; display: flex; gap: .5rem; align-items: baseline; min-height: 1.75rem; overflow-wrap: anywhere; }
input:not([type=checkbox]):not([type=radio]), select, textarea { width: 100%; max-width: 34rem; font: inherit; padding: .5rem; border: 1px solid var(--line); border-radius: .3rem; background: var(--paper); color: var(--ink); }
button { font: inherit; font-weight: 600; padding: .5rem 1rem; margin: .75rem .5rem 0 0; border: 1px solid var(--accent); border-radius: .3rem; background: var(--accent); color: var(--paper); cursor: pointer; }
button.quiet { background: transparent; color: var(--accent); } button.danger { background: transparent; color: var(--bad); border-color: var(--bad); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); } td.n, th.n { text-align: right; }
code, .mono { font-family: ui-monospace, monospace; font-size: .92em; overflow-wrap: anywhere; }
fieldset { border: 1px solid var(--line); border-radius: .3rem; margin: .75rem 0; }
.hint { color: var(--soft); } .notice { border-left: .4rem solid var(--good); } .error { border-left: .4rem solid var(--bad); }
.skip { position: absolute; left: -100rem; } .skip:focus { position: static; }
form.inline { display: inline; }
`;

/** A whole page. `nav` stands in the header; the title is the page's h1 too. */
export function page(options: { program: string; title: string; nav?: Html; body: Html }): Html {
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${options.title} · ${options.program}</title><style>${raw(style)}</style></head>
<body><a class="skip" href="#content">Skip to content</a>
<header><strong>${options.program}</strong>${options.nav ?? ''}</header>
<main id="content"><h1>${options.title}</h1>${options.body}</main>
<footer class="hint">A sandbox program of Crosswalk. Every school and person in it is invented.</footer></body></html>`;
}

/** A message at the top of a page: what was done, or what went wrong. */
export function notice(text: string | undefined, kind: 'notice' | 'error' = 'notice'): Html {
  if (text === undefined || text === '') return html``;
  return html`<section class="${kind}" role="${kind === 'error' ? 'alert' : 'status'}">${text}</section>`;
}

/** The request log as a table, newest first. */
export function logTable(entries: readonly LogEntry[]): Html {
  if (entries.length === 0) return html`<p>Nothing has been asked yet.</p>`;
  const rows = entries
    .slice(-300)
    .reverse()
    .map(
      (
        entry,
      ) => html`<tr><td><time datetime="${entry.at}">${entry.at.replace('T', ' ').slice(0, 19)}</time></td><td>${entry.client}</td>
<td>${entry.method}</td><td class="mono">${entry.path}${entry.query === '' ? '' : `?${entry.query}`}${entry.operation === '' ? '' : ` ${entry.operation}`}</td>
<td class="n">${entry.status === 0 ? 'reset' : entry.status}</td><td class="n">${entry.rows ?? ''}</td></tr>`,
    );
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Request log"><table><caption class="hint">The newest ${rows.length} of ${entries.length} requests, times in UTC</caption>
<thead><tr><th scope="col">Time</th><th scope="col">Client</th><th scope="col">Method</th><th scope="col">Path</th><th scope="col" class="n">Status</th><th scope="col" class="n">Rows</th></tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

const faultKinds = faultSchema.options.map((option) => option.shape.kind.value);

/** The switches for faults: those that are on, and a form for another. */
export function faultSection(faults: Faults, action: string): Html {
  const active = faults.list();
  return html`<section aria-labelledby="faults"><h2 id="faults">Faults</h2>
<p class="hint">Make this program misbehave as real ones do. The same switches are at <code>POST /_sandbox/faults</code>.</p>
${
  active.length === 0
    ? html`<p>None is on.</p>`
    : html`<ul>${active.map(
        ({
          id,
          fault,
          fired,
        }) => html`<li><code>${JSON.stringify(fault)}</code> met ${fired} ${fired === 1 ? 'request' : 'requests'}
<form class="inline" method="post" action="${action}"><input type="hidden" name="remove" value="${id}"><button class="quiet">Switch off ${id}</button></form></li>`,
      )}</ul>
<form method="post" action="${action}"><input type="hidden" name="remove" value="all"><button class="danger">Switch all off</button></form>`
}
<form method="post" action="${action}">
<label for="fault-kind">Fault</label><select id="fault-kind" name="kind">${faultKinds.map((kind) => html`<option>${kind}</option>`)}</select>
<label for="fault-path">Only for paths like</label><input id="fault-path" name="path" placeholder="*/classes">
<label for="fault-nth">From the n-th request</label><input id="fault-nth" name="nth" inputmode="numeric">
<label for="fault-times">How many times</label><input id="fault-times" name="times" inputmode="numeric">
<label for="fault-more">Further settings as JSON</label><input id="fault-more" name="more" placeholder='{"seconds": 5}'>
<button>Switch on</button></form></section>`;
}

const faultForm = z.object({
  remove: z.string().optional(),
  kind: z.string().optional(),
  path: z.string().default(''),
  nth: z.string().default(''),
  times: z.string().default(''),
  more: z.string().default(''),
});

/** Does what the fault form asks; the answer is what went wrong, or nothing. */
export function applyFaultForm(faults: Faults, fields: unknown): string | undefined {
  const form = faultForm.parse(fields);
  if (form.remove === 'all') {
    faults.clear();
    return undefined;
  }
  if (form.remove !== undefined) return faults.remove(form.remove) ? undefined : 'That fault was off already.';
  let more: unknown = {};
  try {
    if (form.more.trim() !== '') more = JSON.parse(form.more);
  } catch (error) {
    if (error instanceof SyntaxError) return 'Further settings must be JSON, for example {"seconds": 5}.';
    throw error;
  }
  const settings = z.record(z.string(), z.unknown()).safeParse(more);
  if (!settings.success) return 'Further settings must be a JSON object, for example {"seconds": 5}.';
  const wanted = faultSchema.safeParse({
    ...settings.data,
    kind: form.kind,
    ...(form.path === '' ? {} : { path: form.path }),
    ...(form.nth === '' ? {} : { nth: Number(form.nth) }),
    ...(form.times === '' ? {} : { times: Number(form.times) }),
  });
  if (!wanted.success)
    return `That fault cannot be switched on: ${wanted.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')}`;
  faults.add(wanted.data);
  return undefined;
}
