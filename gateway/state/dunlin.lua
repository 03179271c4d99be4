#!lua name=dunlin1
-- dunlin.lua - every write Dunlin makes to its state, as one library of Redis Functions.
--
-- An operator may load it by hand:  redis-cli -x FUNCTION LOAD REPLACE < dunlin.lua
-- gateways do so themselves at start (gateway/state/function.c) when it is absent or older.
--
-- STORED FORMAT 7 (dl:meta field format). NN = shard 00..63, rid/did = 26 characters.
--   dl:meta                hash    format, shards, created ms
--   dl:clock               string  manual clock in ms; absent = the system's clock
--   dl:control             hash    pauses: "all", "channel:email", "template:NAME" -> JSON; "windows", "rules": in force
--   dl:rules               hash    sets of rules, by their SHA-256: the one in force and the one before
--   dl:{NN}:r:<rid>        hash    reminder. v = version, state letter and due ms in one ("3P1357100000000"; due may
--                                  be missing). a, never missing: of an accepted job netstrings did, at, src, deb,
--                                  cas, job, ch and behind them its body; of a ladder step its did alone, beside
--                                  fields k at src deb cas job ch b of its own. More by gateway/dispatch. An accepted
--                                  job begins with a only, which makes accepting it cheap: v is "1A" then, due is at
--   dl:{NN}:d:<did>        hash    debtor: v version, facts, and cap counters c:<channel or *>:<day>. The same
--                                  form, under an id of their own: the counters of a person (gateway/dispatch/person.h)
--                                  and what was said at an address (gateway/intake/bind.h)
--   dl:{NN}:i:<did>        hash    its items, payments, promises, disputes; a change moves d's v
--   dl:{NN}:w              list    <did><rid> of accepted jobs that no transition has touched yet, oldest first: they
--                                  have no field v, and are in none of the sets below. Lane a
--   dl:{NN}:p              zset    score 0: <did><rid> of every other reminder that is not final; by did with BYLEX
--   dl:{NN}:f              zset    the final ones
--   dl:{NN}:k:<state>      zset    rids in a state that people look for (INDEXED below); score 0, of open tasks (O) their rank
--   dl:{NN}:k:h            zset    score 0: dids that were ever put on hold; the debtor says whether it still is
--   dl:{NN}:due            zset    all lanes but a: r:<rid> or d:<did>, scored lane * 10^13 + due ms, where lane is
--                                  0 w, 1 e, 2 s, 3 v, 4 f, 5 k: so one is in one lane at most, and changing lanes is one ZADD
--   dl:{NN}:n              hash    state -> number of reminders. A call counts for all its shards in the first one's
--                                  hash: only the sum over the 64 means something
--   dl:{NN}:out            stream  outbox; one entry per evidence record, one field per entry:
--                                  "a" -> <did><rid>: the acceptance of that job, told by its reminder hash
--                                  "1" -> netstrings, gateway/state/record.c
--   dl:{NN}:in             stream  what came in and is not booked yet (gateway/state/inbox.h)
--   dl:{NN}:x              zset    score 0: marks, what leads to a reminder or debtor (gateway/state/mark.h)
--   dl:{NN}:id             hash    register of ids: <rid of a submitted job, or receipt of an event> -> <did> it was
--                                  used for. NN is the shard of the id, not of the debtor; as long as what it names
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
--
-- What costs time is the number of redis.call, then the number of their arguments (each becomes a Redis
-- string and three pieces of the AOF), then making Lua strings (every byte is hashed). So a call
-- gathers what its shards have in common and writes each sorted set once.
local FORMAT, REVISION = 7, 2

local FINAL = { D = true, X = true, R = true, Q = true, U = true }
local ID = 26 -- characters of an id
local INDEXED = { H = true, U = true, Q = true, O = true, L = true, T = true }

-- While the library loads, Redis offers none of these; each entry point binds them.
local call, unpack, concat, tonumber, pairs, unpack_header, char, sub, match
local function bind(env)
    call, unpack, concat, tonumber = env.redis.call, env.unpack, env.table.concat, env.tonumber
    pairs, unpack_header = env.pairs, env.struct.unpack
    char, sub, match = env.string.char, env.string.sub, env.string.match
end

local function count(P, n)
    for s, delta in pairs(n) do
        if delta ~= 0 then
            call('HINCRBY', P .. 'n', s, delta)
        end
    end
end

-- reserve: per key the number of ids, then each id and the did that wants it. Answers one letter each: N reserved
-- for it now, S it was its before, O it is another's.
local function reserve_shard(P, args, i, n, codes)
    local key, ids = P .. 'id', {}
    for k = 1, n do
        ids[k] = args[i + 2 * k - 2]
    end
    local got, new, sets = call('HMGET', key, unpack(ids)), {}, {}
    for k = 1, n do
        local id, did = ids[k], args[i + 2 * k - 1]
        local old = got[k] or new[id]
        if not old then
            new[id] = did
            sets[#sets + 1] = id
            sets[#sets + 1] = did
        end
        codes[#codes + 1] = not old and 'N' or old == did and 'S' or 'O'
    end
    if #sets > 0 then
        call('HSET', key, unpack(sets))
    end
    return i + 2 * n
end

local function reserve(keys, args)
    bind(_G)
    local codes, i = {}, 1
    for k = 1, #keys do
        i = reserve_shard(keys[k], args, i + 1, tonumber(args[i]), codes)
    end
    return concat(codes)
end

-- accept: args outbox_max, then per key: number of jobs, and per job the key of its hash, "<did><rid>", a. Answers
-- one letter per job (A accepted, J there as a job, S there as a ladder step, B busy), one per key (R: half of the room
-- or more is left, F less) and, in order, a for each J, at and b for each S: accept.c compares bodies. No string of a
-- job is made here: what Redis gets are the arguments.
local JOB = 3
local function accept_shard(P, args, first, n, codes, reply)
    local out = P .. 'out'
    local room = tonumber(args[1]) - call('XLEN', out)
    local waiting, new = {}, 0
    for i = first, first + (n - 1) * JOB, JOB do
        local key, code = args[i], 'B'
        if room > 0 and call('HSETNX', key, 'a', args[i + 2]) == 1 then
            code = 'A'
            room, new = room - 1, new + 1
            local job = args[i + 1]
            waiting[new] = job
            call('XADD', out, '*', 'a', job)
        else
            local old = call('HMGET', key, 'a', 'at', 'b')
            if old[1] and #old[1] > ID then
                code = 'J'
                reply[#reply + 1] = old[1]
            elseif old[1] then
                code = 'S'
                reply[#reply + 1] = old[2] or '0'
                reply[#reply + 1] = old[3] or ''
            end
        end
        codes[#codes + 1] = code
    end
    if new > 0 then
        call('RPUSH', P .. 'w', unpack(waiting))
    end
    return first + n * JOB, new, room
end

local function accept(keys, args)
    bind(_G)
    local codes, rooms, reply, i, total, new, room = {}, {}, { '', '' }, 2, 0, nil, nil
    local half = tonumber(args[1]) / 2
    for k = 1, #keys do
        i, new, room = accept_shard(keys[k], args, i + 1, tonumber(args[i]), codes, reply)
        total = total + new
        rooms[k] = room >= half and 'R' or 'F'
    end
    count(keys[1], { A = total })
    reply[1], reply[2] = concat(codes), concat(rooms)
    return reply
end

-- What the transitions of one shard do to its sorted sets, written once at their end. Each maps a member
-- to its score, or to false: take it out. due_sooner: only if that is earlier than what is there.
local function new_batch()
    return { due = {}, due_sooner = {}, p = {}, f = {}, H = {}, U = {}, Q = {}, O = {}, L = {}, T = {},
        first = {} }
end

-- Jobs that were touched for the first time no longer wait in list w. They are planned in the order they came, so
-- nearly always they are its head.
local function write_first(key, first)
    local head = call('LRANGE', key, 0, #first - 1)
    local at_head = {}
    for i = 1, #head do
        at_head[head[i]] = true
    end
    for i = 1, #first do
        if not at_head[first[i]] then
            for k = 1, #first do
                call('LREM', key, 1, first[k])
            end
            return
        end
    end
    call('LPOP', key, #first)
end

local function write_set(key, members)
    local add, rem = {}, {}
    for member, score in pairs(members) do
        if score then
            local at = #add
            add[at + 1], add[at + 2] = score, member
        else
            rem[#rem + 1] = member
        end
    end
    if #rem > 0 then
        call('ZREM', key, unpack(rem))
    end
    if #add > 0 then
        call('ZADD', key, unpack(add))
    end
end

local function write_batch(P, batch)
    if #batch.first > 0 then
        write_first(P .. 'w', batch.first)
    end
    write_set(P .. 'due', batch.due)
    local sooner = {}
    for member, at in pairs(batch.due_sooner) do
        local n = #sooner
        sooner[n + 1], sooner[n + 2] = at, member
    end
    if #sooner > 0 then
        call('ZADD', P .. 'due', 'LT', unpack(sooner))
    end
    if batch.moved then
        write_set(P .. 'p', batch.p)
        write_set(P .. 'f', batch.f)
        for s in pairs(INDEXED) do
            write_set(P .. 'k:' .. s, batch[s])
        end
    end
end

local function note_wake(batch, member, unwake, at)
    local due, sooner = batch.due, batch.due_sooner
    if unwake then
        due[member], sooner[member] = false, nil
    end
    if at and due[member] == nil then
        local known = sooner[member]
        sooner[member] = known and known < at and known or at
    elseif at then
        local known = due[member]
        due[member] = known and known < at and known or at
    end
end

-- Whose it is, as 26 characters. owner: "d:<did>" or '', when the caller does not say.
local function did_of(rkey, owner)
    if owner ~= '' then
        return sub(owner, 3)
    end
    local a = call('HGET', rkey, 'a')
    return #a > ID and sub(a, 4, 29) or a
end

-- The reminder's new state in the counters, its debtor's lists and the index. first: it was accepted and no more.
local function move_state(batch, n, rid, owner, from, to, rkey, first, rank)
    if from ~= to then
        if from then
            n[from] = (n[from] or 0) - 1
        end
        n[to] = (n[to] or 0) + 1
    end
    if first or not from or FINAL[from] ~= FINAL[to] then
        local member = did_of(rkey, owner) .. rid
        batch.moved = true
        if first then
            batch.first[#batch.first + 1] = member
        elseif from then
            batch[FINAL[from] and 'f' or 'p'][member] = false
        end
        batch[FINAL[to] and 'f' or 'p'][member] = '0'
    end
    if from and INDEXED[from] then
        batch.moved = true
        batch[from][rid] = false
    end
    if INDEXED[to] then
        batch.moved = true
        batch[to][rid] = rank or '0'
    end
end

-- When an accepted job that is put into no lane is due: at, the second netstring of field a.
local function accepted_at(rkey)
    return match(call('HGET', rkey, 'a'), '^%d+:%w+,%d+:(%d+),')
end

-- The debtor's version, whether all caps fit, and what taking and giving leaves of each counter, with one
-- read. args[at ..]: per cap field, max, number of further fields, those fields. args[give .. last]: fields.
local function read_debtor(dkey, args, at, take_n, give, last)
    if take_n == 0 and give > last then
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
    for g = give, last do
        n = n + 1
        fields[n] = args[g]
    end
    local got, fit, left = call('HMGET', dkey, unpack(fields)), true, {}
    n, i = 1, at
    for _ = 1, take_n do
        local sum, with, field = 0, tonumber(args[i + 2]), args[i]
        for w = n + 1, n + 1 + with do
            sum = sum + (tonumber(got[w] or 0) or 0)
        end
        fit = fit and sum < tonumber(args[i + 1])
        left[field] = (left[field] or tonumber(got[n + 1] or 0) or 0) + 1
        n, i = n + 1 + with, i + 3 + with
    end
    for g = give, last do
        n = n + 1
        local field = args[g]
        local had = left[field] or tonumber(got[n] or 0) or 0
        if had > 0 then
            left[field] = had - 1
        end
    end
    return tonumber(got[1] or 0), fit, left
end

-- What a transition changes in the debtor hash: its version and facts when it has any, and counters.
local function write_debtor(dkey, v, left, args, set, del, last)
    local sets, drops, n = {}, nil, 0
    if v then
        sets = { 'v', v + 1, unpack(args, set, del - 1) }
        n = #sets
    end
    for field, value in pairs(left or {}) do
        if value > 0 then
            sets[n + 1], sets[n + 2] = field, value
            n = n + 2
        else
            drops = drops or {}
            drops[#drops + 1] = field
        end
    end
    if n > 0 then
        call('HSET', dkey, unpack(sets))
    end
    if last >= del then
        call('HDEL', dkey, unpack(args, del, last))
    end
    if drops then
        call('HDEL', dkey, unpack(drops))
    end
end

-- apply: per key the number of transitions, then each: a packed header (apply.c writes it), "d:<did>" or "",
-- "r:<rid>" or "", and the lists the header counts; with a lane its score and, unless sets name due, due at the
-- end, behind them the rank of a ranked one. Answers one letter each: o ok, f fenced, s stale, d debtor moved, c capped.
local HEADER = '<BBBBHHHHHHHHBBdddd'
local HAS_WAKE, HAS_UNWAKE = 1, 2
local IN_LANE, NO_LANE, RANKED = 1, 2, 3
local function apply_shard(P, args, i, n, verdicts, counters)
    local out, token = P .. 'out', nil
    local batch = new_batch()
    for _ = 1, n do
        local flags, st, lane, take_n, takes, ds, dd, is, id, rs, rd, gives, records, _, fence, dver,
            rver, wake_at = unpack_header(HEADER, args[i])
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
        local a_lane = a_rec + records
        i = lane == IN_LANE and a_lane + 2 or lane == RANKED and a_lane + 3 or a_lane

        local verdict = 'o'
        local rkey, dkey = P .. rid, P .. did
        local have, state, due, first, v, fit, left
        if fence ~= 0 then
            token = token or tonumber(call('HGET', P .. 'lease', 'token') or 0)
            if token ~= fence then
                verdict = 'f'
            end
        end
        if verdict == 'o' and rid ~= '' then
            local old = call('HGET', rkey, 'v')
            if old then
                have, state, due = match(old, '^(%d+)(%u)(%d*)')
                have = tonumber(have)
            else -- an accepted job has no v yet
                have = call('EXISTS', rkey)
                first = have == 1
                state, due = first and 'A' or nil, ''
            end
            if (rver >= 0 and have ~= rver) or (rver < 0 and have == 0) then
                verdict = 's'
            end
        end
        local changes = ds + dd + is + id > 0
        if verdict == 'o' and (dver >= 0 or changes or take_n > 0 or gives > 0) then
            v, fit, left = read_debtor(dkey, args, a_take, take_n, a_give, a_rec - 1)
            if dver >= 0 and v ~= dver then
                verdict = 'd'
            elseif not fit then
                verdict = 'c'
            end
        end

        if verdict == 'o' then
            if changes or left then
                write_debtor(dkey, changes and v, left, args, a_ds, a_dd, a_is - 1)
                for f = a_ds, a_dd - 1, 2 do
                    if sub(args[f], 1, 2) == 'h:' then
                        call('ZADD', P .. 'k:h', '0', sub(did, 3))
                    end
                end
                if is > 0 then
                    call('HSET', P .. 'i' .. sub(did, 2), unpack(args, a_is, a_id - 1))
                end
                if id > 0 then
                    call('HDEL', P .. 'i' .. sub(did, 2), unpack(args, a_id, a_rs - 1))
                end
            end
            if rid ~= '' then
                local to = st ~= 0 and char(st) or state
                if lane == IN_LANE or lane == RANKED then
                    batch.due[rid], due = args[a_lane], args[a_lane + 1]
                elseif lane == NO_LANE then
                    if not first then
                        batch.due[rid] = false
                    end
                elseif first then
                    due = accepted_at(rkey)
                    batch.due[rid] = due
                end
                if have == 0 then
                    call('HSET', rkey, 'v', '1' .. to .. due, 'a', sub(did, 3), unpack(args, a_rs, a_rd - 1))
                else
                    call('HSET', rkey, 'v', (have + 1) .. to .. due, unpack(args, a_rs, a_rd - 1))
                end
                if rd > 0 then
                    call('HDEL', rkey, unpack(args, a_rd, a_take - 1))
                end
                if first or to ~= state or lane == RANKED then
                    move_state(batch, counters, sub(rid, 3), did, state, to, rkey, first,
                        lane == RANKED and args[a_lane + 2])
                end
            end
            if flags ~= 0 then
                note_wake(batch, did, flags >= HAS_UNWAKE, flags % 2 == HAS_WAKE and wake_at)
            end
            for r = a_rec, a_lane - 1 do
                call('XADD', out, '*', '1', args[r])
            end
        end
        verdicts[#verdicts + 1] = verdict
    end
    write_batch(P, batch)
    return i
end

local function apply(keys, args)
    bind(_G)
    local verdicts, counters, i = {}, {}, 1
    for k = 1, #keys do
        i = apply_shard(keys[k], args, i + 1, tonumber(args[i]), verdicts, counters)
    end
    count(keys[1], counters)
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

-- receipt: args r:<rid>, y as the caller read it or "", y from now on, a packed record or "". Answers 1, or 0 when y
-- is another by now or there is no such reminder. The reminder's version stays: y is not part of its life.
local function receipt(keys, args)
    bind(_G)
    local rkey = keys[1] .. args[1]
    if (call('HGET', rkey, 'y') or '') ~= args[2] or call('EXISTS', rkey) == 0 then
        return 0
    end
    call('HSET', rkey, 'y', args[3])
    if args[4] ~= '' then
        call('XADD', keys[1] .. 'out', '*', '1', args[4])
    end
    return 1
end

redis.register_function('dunlin_receipt', receipt)
redis.register_function('dunlin_reserve', reserve)
redis.register_function('dunlin_accept', accept)
redis.register_function('dunlin_apply', apply)
redis.register_function('dunlin_lease', lease)
redis.register_function('dunlin_release', release)
redis.register_function{ function_name = 'dunlin_version', flags = { 'no-writes', 'allow-stale' },
    callback = function() return { FORMAT, REVISION } end }
