// A certified OpenID Connect provider (the npm package oidc-provider), set up as a strict issuer for the app:
// rotation without any allowance, PKCE, device grant, revocation. Everything is kept in memory.
//
//   node provider.mjs --client ID [--issuer URL] [--access-token-life SECONDS] [--refresh-token-life SECONDS]
//                     [--device-code-life SECONDS]
//
// Listens on a free port of 127.0.0.1 and prints `listening on URL`, then each of its own events as a line of JSON.
// Its stdin takes `revoke`: every grant ends, as after a change of password; and `mark`, which is answered by an event of
// that name: whatever happened before has been told by then. It ends with its stdin.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import Provider from 'oidc-provider';

const MONTH = 30 * 24 * 60 * 60;

const { values: options } = parseArgs({
  options: {
    client: { type: 'string' },
    issuer: { type: 'string' },
    'access-token-life': { type: 'string', default: '900' },
    'refresh-token-life': { type: 'string', default: String(MONTH) },
    'device-code-life': { type: 'string', default: '600' },
  },
});
const seconds = (name) => {
  const value = Number(options[name]);
  if (!Number.isInteger(value) || value < 1) {
    throw new Error(`--${name}: ${options[name]} is not a number of seconds`);
  }
  return value;
};

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const url = `http://127.0.0.1:${server.address().port}`;

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'peer' };

const provider = new Provider(options.issuer ?? url, {
  clients: [
    {
      client_id: options.client,
      client_name: 'Freewheel',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/callback'], // any port: RFC 8252 §7.3
      response_types: ['code'],
      grant_types: [
        'authorization_code',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
      ],
    },
  ],
  cookies: { keys: [randomBytes(32).toString('hex')] },
  jwks: { keys: [key] },
  scopes: ['openid', 'offline_access', 'profile', 'freewheel'],
  claims: { openid: ['sub'], profile: ['name'] },
  conformIdTokenClaims: false, // the name stands in the ID token
  pkce: { required: () => true },
  rotateRefreshToken: true,
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `${id[0].toUpperCase()}${id.slice(1)}` }),
  }),
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    revocation: { enabled: true },
  },
  ttl: {
    AccessToken: seconds('access-token-life'),
    RefreshToken: seconds('refresh-token-life'),
    DeviceCode: seconds('device-code-life'),
    AuthorizationCode: 60,
    IdToken: 3600,
    Interaction: 3600,
    Grant: MONTH,
    Session: MONTH,
  },
});

const tell = (event, facts) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);
const grants = new Set();

const asked = (context) => ({
  route: context.oidc?.route,
  grant_type: context.oidc?.params?.grant_type,
});
const refusal = (error) => ({ error: error.error, detail: error.error_detail ?? error.error_description });

for (const event of ['grant.success', 'authorization.success', 'device_authorization.success']) {
  provider.on(event, (context) => tell(event, asked(context)));
}
for (const event of ['grant.error', 'authorization.error', 'device_authorization.error', 'revocation.error']) {
  provider.on(event, (context, error) => tell(event, { ...asked(context), ...refusal(error) }));
}
provider.on('grant.revoked', (context, grant) => tell('grant.revoked', { ...asked(context), grant }));
provider.on('refresh_token.saved', (token) => {
  grants.add(token.grantId);
  tell('refresh_token.saved', { grant: token.grantId });
});
for (const event of ['refresh_token.consumed', 'refresh_token.destroyed']) {
  provider.on(event, (token) => tell(event, { grant: token.grantId }));
}
provider.on('server_error', (_context, error) => {
  tell('server_error', { detail: error.message });
  process.stderr.write(`${error.stack}\n`);
});

const revokeAll = async () => {
  for (const grant of grants) {
    await provider.RefreshToken.revokeByGrantId(grant);
    await provider.AccessToken.revokeByGrantId(grant);
    await provider.Grant.adapter.destroy(grant);
    tell('grant.revoked', { route: 'operator', grant });
  }
  grants.clear();
};

server.on('request', provider.callback());
process.stdout.write(`listening on ${url}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'revoke') {
    await revokeAll();
  } else if (line === 'mark') {
    tell('mark', {});
  } else {
    process.stderr.write(`not a command: ${line}\n`);
  }
}
process.exit(0);
