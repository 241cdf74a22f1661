/** The names of the secrets that must never reach a client. */
export const secretNames = [
  'bucket',
  'key',
  'region',
  'host',
  'account',
  'accessKeyId',
  'requestId',
  'signature',
] as const

/** A text for each of {@link secretNames}. */
export type Secrets = Readonly<Record<(typeof secretNames)[number], string>>

/**
 * Makes an error like those of storage clients, with every secret in its message, its stack, its members, its request and response,
 * and in its cause, which has the shape of another client's error.
 */
export function leakyError(secrets: Secrets): Error {
  const { bucket, key, region, host, account, accessKeyId, requestId, signature } = secrets
  const url = `https://${bucket}.${host}/${key}?X-Amz-Credential=${accessKeyId}%2F${region}&X-Amz-Signature=${signature}`
  const text = `AccessDenied: account ${account} may not read ${bucket}/${key} in ${region} (request ${requestId}): GET ${url}`
  const headers = {
    'x-amz-request-id': requestId,
    'x-amz-bucket-region': region,
    'x-ms-client-request-id': requestId,
    authorization: `SharedKey ${account}:${signature}`,
    server: host,
    [`x-ms-meta-${account}`]: accessKeyId,
  }
  const cause = Object.assign(new Error(`getaddrinfo ENOTFOUND ${bucket}.${host}: ${text}`), {
    code: 'ENOTFOUND',
    hostname: `${bucket}.${host}`,
    request: { url, headers, credentials: { accountName: account, accountKey: Buffer.from(signature) } },
    details: { requestId, containerUrl: `https://${account}.${host}/${bucket}`, blob: key },
  })
  return Object.assign(new Error(text, { cause }), {
    name: `AccessDenied:${bucket}`,
    code: `AccessDenied/${region}`,
    statusCode: 403,
    BucketName: bucket,
    Key: key,
    Endpoint: host,
    $fault: 'client',
    $metadata: { httpStatusCode: 403, requestId, extendedRequestId: signature, cfId: accessKeyId },
    $response: {
      statusCode: 403,
      reason: text,
      headers,
      body: Buffer.from(`<Error><Message>${text}</Message></Error>`),
    },
  })
}
