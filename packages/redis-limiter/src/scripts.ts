import type { AdmissionAsk } from '@sallyport/core'

import { inLowestTerms } from './asks.ts'

/** Whole milliseconds of the server's clock, because the clocks of a fleet's processes differ. */
const SERVER_TIME = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`

/**
 * A token bucket in whole numbers: a token is worth perMs credit, each millisecond adds refill. A negative credit is a debt. Lua's
 * numbers are doubles, exact below 2^53, and the caller keeps them below. If the clock went back, the bucket refills from the new time.
 */
const BUCKET = `
local function text(number) return string.format('%.0f', number) end
local function refilled(key, full, gain)
  local saved = redis.call('HMGET', key, 'c', 't')
  local credit, at = tonumber(saved[1]), tonumber(saved[2])
  if not credit or not at then return full, now end
  local elapsed = now - at
  if elapsed <= 0 then return credit, at end
  if elapsed >= math.ceil((full - credit) / gain) then return full, at end
  return credit + elapsed * gain, at
end
local function save(key, credit, full, gain)
  redis.call('HSET', key, 'c', text(credit), 't', text(now))
  redis.call('PEXPIRE', key, text(math.ceil((full - credit) / gain) + 1000))
end`

/**
 * Decides about all quotas and slots of one ask, and takes from all or none of them. A denial writes only if the server's clock
 * went back: it then sets times in the future to the present.
 *
 * KEYS: a hash per quota, then a sorted set per slot, all with one hash tag.
 * ARGV: the number of quotas, the cost, the lease's id, the lease's milliseconds, the tokens that each quota must hold; capacity,
 * refill and perMs of each quota; the limit of each slot.
 * Reply: as text, because clients read long numbers inexactly. The index in KEYS of the first quota or slot that refused, or 0;
 * the milliseconds to wait; for each quota its whole tokens, and the milliseconds to the next token.
 *
 * @param clock - Lua that sets \`now\`; the server's time, except where a test replays a clock
 */
export const admitScript = (clock: string = SERVER_TIME): string => `${clock}${BUCKET}
local quotas, cost, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local by, wait = 0, 0
local full, gain, token, credit, at = {}, {}, {}, {}, {}
for i = 1, quotas do
  gain[i], token[i] = tonumber(ARGV[4 + 3 * i]), tonumber(ARGV[5 + 3 * i])
  full[i] = tonumber(ARGV[3 + 3 * i]) * token[i]
  credit[i], at[i] = refilled(KEYS[i], full[i], gain[i])
  local wanted = tonumber(ARGV[5]) * token[i]
  if credit[i] < wanted then
    if by == 0 then by = i end
    wait = math.max(wait, math.ceil((wanted - credit[i]) / gain[i]))
  end
end
if by == 0 then
  for i = quotas + 1, #KEYS do
    local limit = tonumber(ARGV[5 + 2 * quotas + i])
    if by == 0 and redis.call('ZCOUNT', KEYS[i], '(' .. text(now), '+inf') >= limit then
      by = i
      for _, late in ipairs(redis.call('ZRANGEBYSCORE', KEYS[i], '(' .. text(now + lease), '+inf')) do
        redis.call('ZADD', KEYS[i], text(now + lease), late)
      end
    end
  end
end
for i = 1, quotas do
  if by == 0 and cost > 0 then
    credit[i] = credit[i] - cost * token[i]
    save(KEYS[i], credit[i], full[i], gain[i])
  elseif at[i] > now then
    save(KEYS[i], credit[i], full[i], gain[i])
  end
end
if by == 0 then
  for i = quotas + 1, #KEYS do
    redis.call('ZADD', KEYS[i], text(now + lease), ARGV[3])
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', text(now))
    if redis.call('PTTL', KEYS[i]) < lease then redis.call('PEXPIRE', KEYS[i], lease + 1000) end
  end
end
local reply = { text(by), text(wait) }
for i = 1, quotas do
  local whole = math.max(0, math.floor(credit[i] / token[i]))
  local next = 0
  if credit[i] < full[i] then next = math.ceil(((whole + 1) * token[i] - credit[i]) / gain[i]) end
  reply[2 * i + 1], reply[2 * i + 2] = text(whole), text(next)
end
return reply`

/** Builds the arguments of the admission script. */
export const admitArgs = (
  { quotas, slots, cost, allowDebt }: AdmissionAsk,
  lease: string,
  leaseMs: number,
): string[] => [
  String(quotas.length),
  String(cost),
  lease,
  String(leaseMs),
  String(allowDebt === true ? 1 : Math.max(cost, 1)),
  ...quotas.flatMap(rule),
  ...slots.map(({ limit }) => String(limit)),
]

/**
 * Returns tokens to buckets. A bucket that is full then is deleted: a missing bucket counts as full.
 *
 * KEYS: a hash per quota, all with one hash tag. ARGV: the tokens; capacity, refill and perMs of each quota. Reply: 1.
 *
 * @param clock - as for the admission script
 */
export const refundScript = (clock: string = SERVER_TIME): string => `${clock}${BUCKET}
for i = 1, #KEYS do
  local gain, token = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local full = tonumber(ARGV[3 * i - 1]) * token
  local credit = refilled(KEYS[i], full, gain) + tonumber(ARGV[1]) * token
  if credit >= full then redis.call('DEL', KEYS[i])
  else save(KEYS[i], credit, full, gain) end
end
return 1`

/** Builds the arguments of the refund script. */
export const refundArgs = ({ quotas }: AdmissionAsk, tokens: number): string[] => [
  String(tokens),
  ...quotas.flatMap(rule),
]

const rule = ({ quota }: AdmissionAsk['quotas'][number]): string[] => {
  const { capacity, refill, perMs } = inLowestTerms(quota)
  return [String(capacity), String(refill), String(perMs)]
}

/**
 * Renews the leases of running downloads, and drops the leases of downloads that ended while Redis could not be reached. Takes a
 * lost lease again, even above the limit, because the download is running and must be counted. Skips a key of another type; the
 * other keys are renewed.
 *
 * KEYS: sorted sets of one hash tag. ARGV: a lease's milliseconds; for each set the number to renew, the number to drop, and
 * their ids. Reply: 1.
 */
export const renewScript: string = `${SERVER_TIME}
local lease, arg = tonumber(ARGV[1]), 2
local expires = string.format('%.0f', now + lease)
for i = 1, #KEYS do
  local renewed, dropped = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1])
  arg = arg + 2
  local kind = redis.call('TYPE', KEYS[i]).ok
  local isOurs = kind == 'zset' or kind == 'none'
  for _ = 1, renewed do
    if isOurs then redis.call('ZADD', KEYS[i], expires, ARGV[arg]) end
    arg = arg + 1
  end
  for _ = 1, dropped do
    if isOurs then redis.call('ZREM', KEYS[i], ARGV[arg]) end
    arg = arg + 1
  end
  local ttl = redis.call('PTTL', KEYS[i])
  if isOurs and ttl ~= -2 and ttl < lease then redis.call('PEXPIRE', KEYS[i], lease + 1000) end
end
return 1`
