// npm oidc-provider as a company's provider: people by login name, groups in the ID token, its own sign-in pages.
// Usage: node provider.mjs '{"port": 0, "people": {"alice": {...claims}}, "clients": [...], "options": {...}}'
//   → prints one line of JSON: {"issuer": ...}
// POST /test/age?seconds=3600 makes every sign-in so far that much older, so that no test has to wait for it.
import http from 'node:http';
import { Provider } from 'oidc-provider';

const given = JSON.parse(process.argv[2] ?? '{}');
const people = new Map(Object.entries(given.people ?? {}));
const sessionIds = new Set();

const server = http.createServer();
server.listen(given.port ?? 0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: given.clients ?? [],
    claims: {
      openid: ['sub', 'acr', 'amr', 'auth_time'],
      profile: ['name', 'preferred_username', 'groups'],
      email: ['email', 'email_verified'],
    },
    conformIdTokenClaims: given.claimsOnlyInUserinfo ?? false,
    pkce: { required: () => true },
    responseTypes: ['code'],
    cookies: { keys: ['a key for cookies on loopback, in tests only'] },
    features: {
      devInteractions: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      backchannelLogout: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
      clientCredentials: { enabled: true },
    },
    acrValues: ['urn:example:silver', 'urn:example:gold'],
    ttl: { AccessToken: 600, IdToken: 600, Session: 86400, Grant: 86400, Interaction: 600, RefreshToken: 86400 },
    async findAccount(_ctx, id) {
      const claims = people.get(id);
      if (!claims) return undefined;
      return { accountId: id, claims: async () => ({ sub: id, preferred_username: id, ...claims }) };
    },
    ...given.options,
  });
  provider.on('server_error', (_ctx, error) => console.error('server_error', error));
  provider.use(async (ctx, next) => {
    await next();
    const id = ctx.oidc?.session?.jti;
    if (id) sessionIds.add(id);
  });

  async function age(seconds) {
    for (const id of sessionIds) {
      const session = await provider.Session.find(id);
      if (session?.loginTs) {
        session.loginTs -= seconds;
        await session.persist();
      }
    }
  }

  const answer = provider.callback();
  server.on('request', async (request, response) => {
    const url = new URL(request.url, issuer);
    if (request.method !== 'POST' || url.pathname !== '/test/age') return answer(request, response);
    await age(Number(url.searchParams.get('seconds')));
    return response.writeHead(204).end();
  });
  console.log(JSON.stringify({ issuer }));
});
