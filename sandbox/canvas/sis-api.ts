/** `/api/v1/accounts/:id/sis_imports`: uploads, the queue and what an import complained of. Source: Canvas LMS API documentation. */

import type { Context } from 'hono';
import type { Env } from '../lib/server.ts';
import type { ApiOptions, Caller, Gate } from './gate.ts';
import { Denied, notFound } from './gate.ts';
import { idText } from './ids.ts';
import type { ImportRequestOptions, SisImport } from './sis/imports.ts';
import type { Wire } from './wire.ts';

const isYes = (text: string | undefined): boolean => /^(1|t|true|y|yes|on)$/i.test(text ?? '');
/** As many warnings and errors as stand in the import itself; the rest is at `errors`. */
const SHOWN = 24;

type Upload = { bytes: Uint8Array; extension: 'zip' | 'csv'; fileName: string };

const badRequest = (body: unknown): Denied => new Denied(400, body);

const extensionOf = (name: string): 'zip' | 'csv' => (name.toLowerCase().endsWith('.csv') ? 'csv' : 'zip');

/** The upload and its parameters, from a form with a field `attachment` or from a raw body. */
async function receive(c: Context<Env>): Promise<{ upload: Upload; parameters: Map<string, string> }> {
  const parameters = new Map(Object.entries(c.req.query()));
  const type = c.req.header('content-type') ?? '';
  if (type.startsWith('multipart/form-data')) {
    const form = await c.req.raw.formData();
    for (const [name, value] of form) if (typeof value === 'string') parameters.set(name, value);
    const file = form.get('attachment');
    if (file === null || typeof file === 'string')
      throw badRequest({ error: true, error_message: 'Missing attachment' });
    const bytes = new Uint8Array(await file.arrayBuffer());
    return { upload: { bytes, extension: extensionOf(file.name), fileName: file.name }, parameters };
  }
  const charset = /charset=([\w-]+)/i.exec(type)?.[1];
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8')
    throw badRequest({ error: 'Invalid content type, UTF-8 required' });
  const isText = ['text/csv', 'text/plain'].includes(type.split(';')[0]?.trim() ?? '');
  const extension = extensionOf(`x.${parameters.get('extension') ?? (isText ? 'csv' : 'zip')}`);
  const bytes = new Uint8Array(await c.req.raw.arrayBuffer());
  return { upload: { bytes, extension, fileName: `sis_import.${extension}` }, parameters };
}

function optionsOf(parameters: Map<string, string>): ImportRequestOptions {
  const number = (name: string): number | null => {
    const value = Number.parseInt(parameters.get(name) ?? '', 10);
    return Number.isNaN(value) || value <= 0 ? null : value;
  };
  const one = <T extends string>(name: string, known: readonly T[]): T | null => {
    const value = parameters.get(name) ?? '';
    if (value === '') return null;
    const found = known.find((word) => word === value);
    if (found === undefined) throw badRequest({ message: `Invalid ${name}` });
    return found;
  };
  if (isYes(parameters.get('batch_mode')) || isYes(parameters.get('multi_term_batch_mode')))
    throw badRequest({ message: 'This sandbox knows no batch mode.' });
  const dataSet = parameters.get('diffing_data_set_identifier') ?? '';
  if (Buffer.byteLength(dataSet) > 128)
    throw badRequest({
      errors: {
        diffing_data_set_identifier: [
          { type: 'too_long', message: 'too_long', attribute: 'diffing_data_set_identifier' },
        ],
      },
    });
  return {
    skipDeletes: isYes(parameters.get('skip_deletes')),
    overrideStickiness: isYes(parameters.get('override_sis_stickiness')),
    updateSisIdIfLoginClaimed: isYes(parameters.get('update_sis_id_if_login_claimed')),
    diffingDropStatus: one('diffing_drop_status', ['deleted', 'inactive', 'completed', 'deleted_last_completed']),
    diffingUserRemoveStatus: one('diffing_user_remove_status', ['deleted', 'suspended']),
    changeThreshold: number('change_threshold'),
    diffRowCountThreshold: number('diff_row_count_threshold'),
    dataSet: dataSet === '' ? null : dataSet,
    remaster: dataSet !== '' && isYes(parameters.get('diffing_remaster_data_set')),
  };
}

export function addSisRoutes(options: ApiOptions, gate: Gate, wire: Wire): void {
  const { model, settings, imports } = options;
  const { app, enter, denied, administered, write, page } = gate;

  const wireImport = (one: SisImport, caller: Caller): unknown => {
    const isOver = one.endedAt !== null;
    const pairs = (failure: boolean): [string | null, string][] => {
      const all = one.problems.filter((problem) => problem.failure === failure);
      const shown = all.slice(0, SHOWN).map(({ file, message }): [string | null, string] => [file, message]);
      const word = failure ? 'errors' : 'warnings';
      return all.length > SHOWN
        ? [
            ...shown,
            [
              `and ${all.length - SHOWN} more ${word} that were not included`,
              `Download the error file to see all ${word}.`,
            ],
          ]
        : shown;
    };
    const processingErrors = pairs(true);
    const processingWarnings = pairs(false);
    const user = model.users.get(one.userId);
    const { options: asked } = one;
    return {
      id: idText(one.id),
      created_at: one.createdAt,
      started_at: one.startedAt,
      ended_at: one.endedAt,
      updated_at: one.updatedAt,
      progress: one.progress,
      workflow_state: one.state,
      data: {
        import_type: 'instructure_csv',
        ...(one.startedAt === null ? {} : { supplied_batches: one.supplied, counts: one.counts }),
        ...(isOver ? { statistics: one.statistics, completed_importers: one.done } : {}),
        ...(one.diffedAgainst === null ? {} : { diffed_against_sis_batch_id: idText(one.diffedAgainst) }),
      },
      batch_mode: null,
      batch_mode_term_id: null,
      multi_term_batch_mode: null,
      override_sis_stickiness: asked.overrideStickiness ? true : null,
      add_sis_stickiness: null,
      update_sis_id_if_login_claimed: asked.updateSisIdIfLoginClaimed,
      clear_sis_stickiness: null,
      diffing_data_set_identifier: asked.dataSet,
      diffing_remaster: asked.remaster ? true : null,
      // Canvas reads it from another place than it writes it to.
      diffed_against_import_id: null,
      diffing_drop_status: asked.diffingDropStatus,
      diffing_user_remove_status: asked.diffingUserRemoveStatus,
      skip_deletes: asked.skipDeletes,
      change_threshold: asked.changeThreshold,
      diff_row_count_threshold: asked.diffRowCountThreshold,
      ...(asked.dataSet === null ? {} : { diffing_threshold_exceeded: one.thresholdExceeded }),
      ...(isOver && processingErrors.length > 0 ? { processing_errors: processingErrors } : {}),
      ...(isOver && processingWarnings.length > 0 ? { processing_warnings: processingWarnings } : {}),
      ...(user === undefined ? {} : { user: wire.user(user, caller) }),
      ...(one.csvNames.length === 0
        ? {}
        : {
            csv_attachments: one.csvNames.map((name, index) => ({
              id: idText(`6${one.id}${index}`),
              filename: name,
              display_name: name,
            })),
          }),
    };
  };
  /** Who may import, at the account that may be imported into. */
  const importer = (c: Context<Env>, route: string): Caller => {
    const caller = enter(c, `/accounts/:account_id${route}`);
    const account = administered(c, caller, 'account_id');
    if (account.id !== model.rootId)
      throw badRequest({ errors: ['SIS imports can only be executed on root accounts'] });
    if (!settings.sisImports) throw new Denied(403, { errors: ['SIS imports are not enabled for this account'] });
    if (!caller.isRootAdmin) throw denied();
    return caller;
  };
  const found = (c: Context<Env>): SisImport => {
    const one = imports.get(c.req.param('id') ?? '');
    if (one === undefined) throw notFound();
    return one;
  };

  app.post('/accounts/:account_id/sis_imports', async (c) => {
    const caller = importer(c, '/sis_imports');
    const { upload, parameters } = await receive(c);
    c.env.trace.operation = parameters.get('diffing_data_set_identifier') ?? '';
    if (settings.uploadAnswer === 'in-process')
      return write(c, { error: true, error_message: 'An SIS import is already in process.', batch_in_progress: true });
    const made = imports.create({ ...upload, userId: caller.user.id, options: optionsOf(parameters) });
    return write(c, wireImport(made, caller));
  });
  app.get('/accounts/:account_id/sis_imports', (c) => {
    const caller = importer(c, '/sis_imports');
    imports.step();
    const since = Date.parse(c.req.query('created_since') ?? '');
    const before = Date.parse(c.req.query('created_before') ?? '');
    const states = c.req.queries('workflow_state[]') ?? [];
    const list = imports
      .list()
      .filter(
        (one) =>
          (Number.isNaN(since) || Date.parse(one.createdAt) > since) &&
          (Number.isNaN(before) || Date.parse(one.createdAt) < before) &&
          (states.length === 0 || states.includes(one.state)),
      )
      .reverse();
    return write(c, { sis_imports: page(c, list).map((one) => wireImport(one, caller)) });
  });
  app.get('/accounts/:account_id/sis_imports/importing', (c) => {
    const caller = importer(c, '/sis_imports/importing');
    const list = imports.list().filter(({ state }) => ['importing', 'cleanup_batch'].includes(state));
    return write(c, { sis_imports: list.map((one) => wireImport(one, caller)) });
  });
  app.get('/accounts/:account_id/sis_imports/:id', (c) => {
    const caller = importer(c, '/sis_imports/:id');
    imports.step();
    return write(c, wireImport(found(c), caller));
  });
  app.put('/accounts/:account_id/sis_imports/abort_all_pending', (c) => {
    importer(c, '/sis_imports/abort_all_pending');
    imports.abortAllPending();
    return write(c, { aborted: true });
  });
  app.put('/accounts/:account_id/sis_imports/:id/abort', (c) => {
    const caller = importer(c, '/sis_imports/:id/abort');
    const one = found(c);
    if (!imports.abort(one.id)) throw notFound();
    return write(c, wireImport(one, caller));
  });
  const listErrors = (c: Context<Env>, of: readonly SisImport[]): Response => {
    const isFailure = isYes(c.req.query('failure'));
    const list = of
      .flatMap((one) => one.problems.map((problem) => ({ ...problem, importId: one.id })))
      .filter(({ failure }) => failure || !isFailure);
    return write(c, {
      sis_import_errors: page(c, list).map(({ importId, file, message, row, rowInfo }) => ({
        sis_import_id: idText(importId),
        file,
        message,
        row,
        ...(settings.errorsTellRows ? { row_info: rowInfo } : {}),
      })),
    });
  };
  app.get('/accounts/:account_id/sis_imports/:id/errors', (c) => {
    importer(c, '/sis_imports/:id/errors');
    return listErrors(c, [found(c)]);
  });
  app.get('/accounts/:account_id/sis_import_errors', (c) => {
    importer(c, '/sis_import_errors');
    return listErrors(c, [...imports.list()].reverse());
  });
}
