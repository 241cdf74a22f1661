import type { AdmissionAsk } from '@sallyport/core'

/** Whole milliseconds of the server's own clock: the processes of a fleet never agree on theirs. */
const SERVER_TIME = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`

/**
 * Judges all quotas and slots of one ask, and takes from all or none of them. A denial writes nothing.
 *
 * KEYS: a hash per quota, then a sorted set per slot, all with one hash tag. ARGV: how many quotas, the cost, the
 * lease's id and its milliseconds; capacity, refill and perMs of each quota; the limit of each slot. Answers, as text for
 * clients read long numbers inexactly: the place in KEYS of the first that said no, or 0; milliseconds to wait; of each
 * quota its whole tokens and the milliseconds to the next.
 *
 * The arithmetic is that of a token bucket in whole numbers: a token is worth perMs credit, each millisecond adds
 * refill. Lua's numbers are doubles, exact below 2^53, where the caller keeps them.
 *
 * @param clock - Lua that sets \`now\`; the server's time, except where a test replays a clock
 */
export const admitScript = (clock: string = SERVER_TIME): string => `${clock}
local function text(number) return string.format('%.0f', number) end
local quotas, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
local by, wait = 0, 0
local full, gain, token, credit, at, late = {}, {}, {}, {}, {}, {}
for i = 1, quotas do
  local capacity = tonumber(ARGV[2 + 3 * i])
  gain[i], token[i] = tonumber(ARGV[3 + 3 * i]), tonumber(ARGV[4 + 3 * i])
  full[i] = capacity * token[i]
  local saved = redis.call('HMGET', KEYS[i], 'c', 't')
  credit[i], at[i] = tonumber(saved[1]), tonumber(saved[2])
  if not credit[i] or not at[i] then credit[i], at[i] = full[i], now end
  local elapsed = now - at[i]
  if elapsed > 0 then
    if elapsed >= math.ceil((full[i] - credit[i]) / gain[i]) then credit[i] = full[i]
    else credit[i] = credit[i] + elapsed * gain[i] end
    at[i] = now
  end
  late[i] = at[i] - now
  local wanted = math.max(cost, 1) * token[i]
  if credit[i] < wanted then
    if by == 0 then by = i end
    wait = math.max(wait, math.ceil((wanted - credit[i]) / gain[i]) + late[i])
  end
end
if by == 0 then
  for i = quotas + 1, #KEYS do
    local limit = tonumber(ARGV[4 + 2 * quotas + i])
    if by == 0 and redis.call('ZCOUNT', KEYS[i], '(' .. text(now), '+inf') >= limit then by = i end
  end
end
if by == 0 then
  for i = 1, quotas do
    if cost > 0 then
      credit[i] = credit[i] - cost * token[i]
      redis.call('HSET', KEYS[i], 'c', text(credit[i]), 't', text(at[i]))
      redis.call('PEXPIRE', KEYS[i], text(math.ceil((full[i] - credit[i]) / gain[i]) + late[i] + 1000))
    end
  end
  local lease = tonumber(ARGV[4])
  for i = quotas + 1, #KEYS do
    redis.call('ZADD', KEYS[i], text(now + lease), ARGV[3])
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', text(now))
    if redis.call('PTTL', KEYS[i]) < lease then redis.call('PEXPIRE', KEYS[i], lease + 1000) end
  end
end
local reply = { text(by), text(wait) }
for i = 1, quotas do
  local whole = math.floor(credit[i] / token[i])
  local next = 0
  if credit[i] < full[i] then next = math.ceil(((whole + 1) * token[i] - credit[i]) / gain[i]) + late[i] end
  reply[2 * i + 1], reply[2 * i + 2] = text(whole), text(next)
end
return reply`

/** What the script is given besides its keys. */
export const admitArgs = (
  { quotas, slots, cost }: AdmissionAsk,
  lease: string,
  leaseMs: number,
): string[] => [
  String(quotas.length),
  String(cost),
  lease,
  String(leaseMs),
  ...quotas.flatMap(({ quota: { capacity, refill, perMs } }) => [
    String(capacity),
    String(refill),
    String(perMs),
  ]),
  ...slots.map(({ limit }) => String(limit)),
]

/**
 * Renews the leases of running downloads, and drops those of ended ones whose going was not heard. A lease that was lost
 * is taken again, over the limit too: the download runs, and who counts it admits no other in its place.
 *
 * KEYS: sorted sets of one hash tag. ARGV: a lease's milliseconds; for each set how many to renew, how many to drop, and
 * their ids.
 */
export const renewScript: string = `${SERVER_TIME}
local lease, arg = tonumber(ARGV[1]), 2
local expires = string.format('%.0f', now + lease)
for i = 1, #KEYS do
  local renewed, dropped = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1])
  arg = arg + 2
  for _ = 1, renewed do
    redis.call('ZADD', KEYS[i], expires, ARGV[arg])
    arg = arg + 1
  end
  for _ = 1, dropped do
    redis.call('ZREM', KEYS[i], ARGV[arg])
    arg = arg + 1
  end
  local ttl = redis.call('PTTL', KEYS[i])
  if ttl ~= -2 and ttl < lease then redis.call('PEXPIRE', KEYS[i], lease + 1000) end
end
return 1`
