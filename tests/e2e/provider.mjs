// npm oidc-provider as a company's provider: people by login name, groups in the ID token, its own sign-in pages.
// Usage: node provider.mjs '{"port": 0, "clients": [...], "options": {...}}'  → prints one line of JSON: {"issuer": ...}
import http from 'node:http';
import { Provider } from 'oidc-provider';

const given = JSON.parse(process.argv[2] ?? '{}');

const PEOPLE = {
  alice: { name: 'Alice Adams', email: 'alice@corp.example', groups: ['sre', 'everyone'] },
  bob: { name: 'Bob Brown', email: 'bob@corp.example', groups: ['finance', 'everyone'] },
  carol: { name: 'Carol Clark', email: 'carol@corp.example', groups: ['contractors'] },
  dave: { name: 'Dave Dunn', email: 'dave@corp.example', groups: Array.from({ length: 300 }, (_, n) =>
    `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`) },
  erin: { name: 'Erin Evans', email: 'erin@corp.example' },
};

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
      const person = PEOPLE[id];
      if (!person) return undefined;
      return {
        accountId: id,
        claims: async () => ({ sub: id, preferred_username: id, email_verified: true, ...person }),
      };
    },
    ...given.options,
  });
  provider.on('server_error', (_ctx, error) => console.error('server_error', error));
  server.on('request', provider.callback());
  console.log(JSON.stringify({ issuer }));
});
