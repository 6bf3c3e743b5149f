import { canvasLogins } from '#sandbox/canvas/model.ts';
import { startCanvas } from '#sandbox/canvas/server.ts';
import { describeConnector } from '../contract-suite.ts';

describeConnector({
  connector: 'canvas',
  scopes: ['lms.courses'],
  largest: 'courses',
  path: '*/courses',
  people: /users|enrollments|students|teachers|sections/i,
  pages: true,
  totals: false,
  foreignNext: 'refused',
  refusedOnce: 'renews',
  ended: 'credential-refused',
  secrets: () => ['canvas-lindenhof-demo-secret'],
  start: async () => {
    const canvas = await startCanvas({ school: 'lindenhof', settings: { quota: 1_000_000 } });
    const admin = [...canvas.model.users.values()].find(({ login }) => login === canvasLogins.admin);
    if (admin === undefined) throw new Error('the sandbox has no administrator');
    const minted = canvas.oauth.mint(canvas.demoKey.id, admin.id);
    return {
      settings: { baseUrl: canvas.url },
      secret: { clientId: canvas.demoKey.id, clientSecret: canvas.demoKey.secret },
      tokens: { ...minted, expiresAt: null, scopes: null, actsAs: admin.name, clientAuthentication: 'body' },
      faults: canvas.faults,
      requests: () => canvas.requests(),
      clearRequests: () => canvas.log.clear(),
      count: () => [...canvas.model.courses.values()].filter(({ state }) => state !== 'deleted').length,
      close: canvas.close,
    };
  },
});
