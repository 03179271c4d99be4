#!lua name=dunlin1
-- dunlin.lua - every write Dunlin makes to its state, as one library of Redis Functions.
--
-- An operator may load it by hand:  redis-cli -x FUNCTION LOAD REPLACE < dunlin.lua
-- gateways do so themselves at start (gateway/state/function.c) when it is absent or older.
--
-- STORED FORMAT 1 (dl:meta field format). NN = shard 00..63, rid/did = 26 characters.
--   dl:meta                hash    format, shards, created ms
--   dl:clock               string  manual clock in ms; absent = the system's clock
--   dl:control             hash    pauses: "all", "channel:email", "template:NAME" -> JSON
--   dl:{NN}:r:<rid>        hash    reminder: v version, s state, ln lane (w e s v f, - none), b body, did, k kind
--                                  (l ladder step), src deb cas job ch due; more by gateway/dispatch.
--                                  An accepted job begins with two fields only, which makes accepting it
--                                  cheap: b and a = netstrings did, at, src, deb, cas, job, ch. Until they
--                                  are written, v is 1, s is A, k is j, ln is w, due is at.
--   dl:{NN}:d:<did>        hash    debtor: v version, facts, and cap counters c:<channel or *>:<day>
--   dl:{NN}:i:<did>        hash    its items, payments, promises, disputes; a change moves d's v
--   dl:{NN}:p:<did>        zset    score 0: rids that are not final      dl:{NN}:f:<did>  the final ones
--                                  (zsets, because a small one is one listpack and a small set is not)
--   dl:{NN}:k:<state>      zset    score 0: rids in a state that operators look for (INDEXED below)
--   dl:{NN}:due:<lane>     zset    score due ms: r<rid> or d<did>; a reminder is in the lane its ln says
--   dl:{NN}:n              hash    state -> number of reminders
--   dl:{NN}:out            stream  outbox; one entry per evidence record, one field per entry:
--                                  "a" -> rid: the acceptance of that job, told by its reminder hash
--                                  "1" -> netstrings, gateway/state/record.c
--   dl:{NN}:lease          hash    owner, token, until (ms of this Redis's clock)
-- To change it: raise FORMAT, teach function.c to convert or refuse, and keep reading old outbox entries
-- ("1", "a") until they are drained. Raise REVISION with every other change of this file; once a version
-- is released, a function whose arguments change gets a new name, because gateways of several
-- versions may share one store during an upgrade.
--
-- A function's keys are prefixes "dl:{NN}:", one per shard it works on; it builds the others from them: all
-- carry the same hash tag, so on a cluster a call for one shard has all its keys in the slot it was
-- routed to. On a single Redis one call may carry many shards, which costs one fsync instead of many.
-- Checks come before the first write: Redis does not undo a function that fails half way. So nothing here
-- may raise an error on data: counters are read with tonumber(...) or 0, and apply.c refuses what
-- could make a command fail.
local FORMAT, REVISION = 1, 3

local FINAL = { D = true, X = true, R = true, Q = true, U = true }
local INDEXED = { H = true, U = true, Q = true }
local LANES = { 'w', 'e', 's', 'v', 'f' }

-- While the library loads, Redis offers none of these; each entry point binds them.
local call, unpack, concat, tonumber, pairs, ipairs, unpack_header, char, sub
local function bind(env)
    call, unpack, concat, tonumber = env.redis.call, env.unpack, env.table.concat, env.tonumber
    pairs, ipairs, unpack_header = env.pairs, env.ipairs, env.struct.unpack
    char, sub = env.string.char, env.string.sub
end

-- accept: args now, outbox_max, then per key: number of jobs, and per job rid, did, a, b. Answers one
-- letter per job (A accepted, D duplicate, X other body, B busy) and, in order, a (or at) for each D, the
-- same and b for each X.
local JOB = 4
local function accept_shard(P, args, first, n, codes, reply)
    local now, rkey, pkey, out = args[1], P .. 'r:', P .. 'p:', P .. 'out'
    local room = tonumber(args[2]) - call('XLEN', out)
    local names, i = {}, first
    for k = 1, n do
        names[k] = rkey .. args[i]
        i = i + JOB
    end
    local fresh = call('EXISTS', unpack(names)) == 0 -- the common case costs one look for all
    local due, new, seen, done = {}, 0, {}, #codes
    i = first
    for k = 1, n do
        local rid, name, body = args[i], names[k], args[i + 3]
        local old
        if not fresh or seen[rid] then
            old = call('HMGET', name, 'b', 'a', 'v', 'at')
        end
        if old and (old[2] or old[3]) then
            local same = old[1] == body
            codes[done + k] = same and 'D' or 'X'
            reply[#reply + 1] = old[2] or old[4] or '0' -- a ladder step has no a
            if not same then
                reply[#reply + 1] = old[1] or ''
            end
        elseif room <= 0 then
            codes[done + k] = 'B'
        else
            room = room - 1
            seen[rid] = true
            codes[done + k] = 'A'
            call('HSET', name, 'a', args[i + 2], 'b', body)
            call('ZADD', pkey .. args[i + 1], '0', rid)
            call('XADD', out, '*', 'a', rid)
            due[2 * new + 1] = now
            due[2 * new + 2] = 'r' .. rid
            new = new + 1
        end
        i = i + JOB
    end
    if new > 0 then
        call('ZADD', P .. 'due:w', unpack(due))
        call('HINCRBY', P .. 'n', 'A', new)
    end
    return i
end

local function accept(keys, args)
    bind(_G)
    local codes, reply, i = {}, { '' }, 3
    for k = 1, #keys do
        i = accept_shard(keys[k], args, i + 1, tonumber(args[i]), codes, reply)
    end
    reply[1] = concat(codes)
    return reply
end

-- What a batch of transitions does to lanes and counters, written once at its end.
local function note_lane(batch, member, from, to, due)
    local origin = batch.origin
    if not origin[member] then
        origin[member] = from
    end
    batch.lane[member], batch.due[member] = to, due
end

local function note_wake(batch, member, unwake, at)
    local op = unwake and 'gone' or batch.wake[member]
    if at then
        local known = not unwake and batch.wake_at[member]
        batch.wake_at[member] = known and known < at and known or at
        op = (op == 'gone' or op == 'set') and 'set' or 'earlier'
    else
        batch.wake_at[member] = nil
    end
    batch.wake[member] = op
end

local function write_lanes(P, batch)
    local add, rem = {}, {}
    for _, l in ipairs(LANES) do
        add[l], rem[l] = {}, {}
    end
    for member, to in pairs(batch.lane) do
        local from = batch.origin[member]
        if from ~= to and rem[from] then
            local list = rem[from]
            list[#list + 1] = member
        end
        local list = add[to]
        if list then
            local at = #list
            list[at + 1], list[at + 2] = batch.due[member], member
        end
    end
    local sooner = {}
    for member, op in pairs(batch.wake) do
        if op == 'gone' then
            rem.w[#rem.w + 1] = member
        else
            local list = op == 'set' and add.w or sooner
            local at = #list
            list[at + 1], list[at + 2] = batch.wake_at[member], member
        end
    end
    for _, l in ipairs(LANES) do
        if #rem[l] > 0 then
            call('ZREM', P .. 'due:' .. l, unpack(rem[l]))
        end
        if #add[l] > 0 then
            call('ZADD', P .. 'due:' .. l, unpack(add[l]))
        end
    end
    if #sooner > 0 then
        call('ZADD', P .. 'due:w', 'LT', unpack(sooner))
    end
end

-- The reminder's new state in the counters, the debtor's two lists and the index.
local function move_state(P, batch, rid, did, from, to, rkey)
    local n = batch.n
    if from then
        n[from] = (n[from] or 0) - 1
    end
    n[to] = (n[to] or 0) + 1
    if not from or FINAL[from] ~= FINAL[to] then
        if did == '' then -- an accepted job, and the caller does not say whose
            did = sub(call('HGET', rkey, 'a'), 4, 29)
        end
        local open, final = P .. 'p:' .. did, P .. 'f:' .. did
        if from then
            call('ZREM', FINAL[from] and final or open, rid)
        end
        call('ZADD', FINAL[to] and final or open, '0', rid)
    end
    if from and INDEXED[from] then
        call('ZREM', P .. 'k:' .. from, rid)
    end
    if INDEXED[to] then
        call('ZADD', P .. 'k:' .. to, '0', rid)
    end
end

-- The debtor's version and, summed per cap, the counters it looks at, in one read. args[at ..]: per
-- cap field, max, number of further fields, those fields.
local function read_debtor(dkey, args, at, take_n)
    if take_n == 0 then
        return tonumber(call('HGET', dkey, 'v') or 0), true
    end
    local fields, n, i = { 'v' }, 1, at
    for _ = 1, take_n do
        n = n + 1
        fields[n] = args[i]
        for w = i + 3, i + 2 + tonumber(args[i + 2]) do
            n = n + 1
            fields[n] = args[w]
        end
        i = i + 3 + tonumber(args[i + 2])
    end
    local got, fit = call('HMGET', dkey, unpack(fields)), true
    n, i = 1, at
    for _ = 1, take_n do
        local sum, with = 0, tonumber(args[i + 2])
        for w = n + 1, n + 1 + with do
            sum = sum + (tonumber(got[w] or 0) or 0)
        end
        fit = fit and sum < tonumber(args[i + 1])
        n, i = n + 1 + with, i + 3 + with
    end
    return tonumber(got[1] or 0), fit
end

local function take_caps(dkey, args, at, take_n)
    for _ = 1, take_n do
        call('HINCRBY', dkey, args[at], '1')
        at = at + 3 + tonumber(args[at + 2])
    end
end

local function give_caps(dkey, args, first, last)
    for g = first, last do
        local left = tonumber(call('HGET', dkey, args[g]) or 0) or 0
        if left > 1 then
            call('HINCRBY', dkey, args[g], '-1')
        elseif left == 1 then
            call('HDEL', dkey, args[g])
        end
    end
end

-- apply: per key the number of transitions, then each: a packed header (apply.c writes it), did, rid and
-- the lists the header counts. Answers one letter each: o ok, f fenced, s stale, d debtor moved,
-- c capped.
local HEADER = '<BBBBHHHHHHHHBBddddd'
local HAS_WAKE, HAS_UNWAKE = 1, 2
local function apply_shard(P, args, i, n, verdicts)
    local out, token = P .. 'out', nil
    local batch = { lane = {}, due = {}, origin = {}, wake = {}, wake_at = {}, n = {} }
    for _ = 1, n do
        local flags, st, lane, take_n, takes, ds, dd, is, id, rs, rd, gives, records, _, fence, dver,
            rver, due, wake_at = unpack_header(HEADER, args[i])
        local did, rid = args[i + 1], args[i + 2]
        local a_ds = i + 3
        local a_dd = a_ds + ds
        local a_is = a_dd + dd
        local a_id = a_is + is
        local a_rs = a_id + id
        local a_rd = a_rs + rs
        local a_take = a_rd + rd
        local a_give = a_take + takes
        local a_rec = a_give + gives
        i = a_rec + records

        local verdict = 'o'
        local rkey, dkey = P .. 'r:' .. rid, P .. 'd:' .. did
        local old, have, v, fit
        if fence ~= 0 then
            token = token or tonumber(call('HGET', P .. 'lease', 'token') or 0)
            if token ~= fence then
                verdict = 'f'
            end
        end
        if verdict == 'o' and rid ~= '' then
            old = call('HMGET', rkey, 'v', 's', 'ln', 'did')
            have = tonumber(old[1] or call('EXISTS', rkey)) -- an accepted job has no v yet
            if have > 0 then
                old[2], old[3] = old[2] or 'A', old[3] or 'w'
            end
            if (rver >= 0 and have ~= rver) or (rver < 0 and have == 0) then
                verdict = 's'
            end
        end
        local changes = ds + dd + is + id > 0
        if verdict == 'o' and (dver >= 0 or changes or take_n > 0) then
            v, fit = read_debtor(dkey, args, a_take, take_n)
            if dver >= 0 and v ~= dver then
                verdict = 'd'
            elseif not fit then
                verdict = 'c'
            end
        end

        if verdict == 'o' then
            if changes then
                call('HSET', dkey, 'v', v + 1, unpack(args, a_ds, a_dd - 1))
                if dd > 0 then
                    call('HDEL', dkey, unpack(args, a_dd, a_is - 1))
                end
                if is > 0 then
                    call('HSET', P .. 'i:' .. did, unpack(args, a_is, a_id - 1))
                end
                if id > 0 then
                    call('HDEL', P .. 'i:' .. did, unpack(args, a_id, a_rs - 1))
                end
            end
            take_caps(dkey, args, a_take, take_n)
            give_caps(dkey, args, a_give, a_rec - 1)
            if rid ~= '' then
                local from, to_lane = old[2], lane ~= 0 and char(lane)
                if to_lane then
                    note_lane(batch, 'r' .. rid, old[3] or '-', to_lane, due)
                end
                if have == 0 then
                    call('HSET', rkey, 'v', '1', 'ln', to_lane or '-', 'did', did, unpack(args, a_rs, a_rd - 1))
                elseif to_lane and to_lane ~= old[3] then
                    call('HSET', rkey, 'v', have + 1, 'ln', to_lane, unpack(args, a_rs, a_rd - 1))
                else
                    call('HSET', rkey, 'v', have + 1, unpack(args, a_rs, a_rd - 1))
                end
                if rd > 0 then
                    call('HDEL', rkey, unpack(args, a_rd, a_take - 1))
                end
                if st ~= 0 then
                    local to = char(st)
                    if to ~= from then
                        move_state(P, batch, rid, old[4] or did, from, to, rkey)
                    end
                end
            end
            if flags ~= 0 then
                note_wake(batch, 'd' .. did, flags >= HAS_UNWAKE, flags % 2 == HAS_WAKE and wake_at)
            end
            for r = a_rec, i - 1 do
                call('XADD', out, '*', '1', args[r])
            end
        end
        verdicts[#verdicts + 1] = verdict
    end
    for s, delta in pairs(batch.n) do
        if delta ~= 0 then
            call('HINCRBY', P .. 'n', s, delta)
        end
    end
    write_lanes(P, batch)
    return i
end

local function apply(keys, args)
    bind(_G)
    local verdicts, i = {}, 1
    for k = 1, #keys do
        i = apply_shard(keys[k], args, i + 1, tonumber(args[i]), verdicts)
    end
    return concat(verdicts)
end

-- lease: args owner, ttl ms. Answers the fencing number, or 0 when somebody else holds the shard.
local function lease(keys, args)
    bind(_G)
    local key, owner = keys[1] .. 'lease', args[1]
    local t = call('TIME')
    local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
    local old = call('HMGET', key, 'owner', 'token', 'until')
    local token = tonumber(old[2] or 0)
    if old[1] ~= owner then
        if tonumber(old[3] or 0) > now then
            return 0
        end
        token = token + 1
    end
    call('HSET', key, 'owner', owner, 'token', token, 'until', now + tonumber(args[2]))
    return token
end

-- release: args owner. The token stays, so the next owner gets a higher one.
local function release(keys, args)
    bind(_G)
    local key = keys[1] .. 'lease'
    if call('HGET', key, 'owner') ~= args[1] then
        return 0
    end
    call('HSET', key, 'owner', '', 'until', '0')
    return 1
end

redis.register_function('dunlin_accept', accept)
redis.register_function('dunlin_apply', apply)
redis.register_function('dunlin_lease', lease)
redis.register_function('dunlin_release', release)
redis.register_function{ function_name = 'dunlin_version', flags = { 'no-writes', 'allow-stale' },
    callback = function() return { FORMAT, REVISION } end }
