-- A business's past, made of random numbers that are the same in every run. The temporary table `wanted` says how much.
-- Foreign keys and triggers are off while this runs: what it writes fits together by itself.
select setseed(0.42);

create temp table words on commit drop as
select rank, coalesce(common, a.s[1 + rank % 40] || a.s[1 + rank / 40 % 40] || a.s[1 + rank / 1600 % 40]) as word
from (select array['ba','ke','li','mo','nu','ra','se','ti','vo','du','pa','le','ni','ko','su','ma','re','di','fo','gu',
  'sha','tre','pli','cro','bru','lan','men','sin','ton','vul','car','der','fir','gor','hur','jas','wel','zim','yon','qua'] as s) a,
  generate_series(1, 20000) as rank
left join unnest(string_to_array('the to your and you for we is our i on at please thanks appointment can hello it be will of my in with
  this have tomorrow order would like not are a time today yes me call week see from was do payment hours invoice know confirm
  dentist cleaning délivery café naïve booking price available morning', ' ')) with ordinality as c (common, n) on c.n = rank;
update words set word = btrim(word, E' \n');
create temp table phrases on commit drop as
select n, string_agg(word, ' ') as phrase
from (select n, floor(exp(random() * ln(20000)))::int as rank from generate_series(1, 60000) n, generate_series(1, 4)) p
join words using (rank) group by n;
create unique index on phrases (n);

create temp table staff on commit drop as
with made as (
  insert into users (workspace_id, email, name, role, only_assigned)
  select workspace_id, format('user%s-%s@example.org', n, workspace_id), 'User ' || n, 'user', n >= 17
  from wanted, generate_series(1, 20) n returning id)
select row_number() over (order by id)::int as n, id from made;
create temp table groups on commit drop as
with made as (
  insert into teams (workspace_id, name) select workspace_id, 'Team ' || n from wanted, generate_series(1, 5) n returning id)
select row_number() over (order by id)::int as n, id from made;
insert into team_members (workspace_id, team_id, user_id)
select workspace_id, g.id, s.id from wanted, staff s join groups g on g.n = 1 + s.n % 5;
create temp table accounts on commit drop as
with made as (
  insert into inboxes (workspace_id, channel, name, public_key)
  select workspace_id, (array['sms', 'email', 'livechat'])[1 + n % 3], 'Inbox ' || n, format('bench-%s-%s', workspace_id, n)
  from wanted, generate_series(1, 8) n returning id)
select row_number() over (order by id)::int as n, id from made;
create temp table marks on commit drop as
with made as (
  insert into labels (workspace_id, name) select workspace_id, 'Label ' || n from wanted, generate_series(1, 24) n returning id)
select row_number() over (order by id)::int as n, id from made;

create temp table people on commit drop as
select n, base.id + n as id, points.id + n as phone, initcap(f.word) || ' ' || initcap(l.word) || ' ' || initcap(m.word) as name
from wanted, (select coalesce(max(id), 0) as id from contacts) base, (select coalesce(max(id), 0) as id from contact_points) points,
  lateral (select n, 100 + floor(random() * 900)::int as f, 1000 + floor(random() * 9000)::int as l,
    100 + floor(random() * 19000)::int as m from generate_series(1, contacts) n) p
join words f on f.rank = p.f join words l on l.rank = p.l join words m on m.rank = p.m;
create unique index on people (n);
insert into contacts (workspace_id, id, name) select workspace_id, id, name from wanted, people;
insert into contact_points (workspace_id, id, contact_id, kind, value, verified)
select workspace_id, phone, id, 'phone', '+30' || 2100000000 + id, true from wanted, people;
select setval(pg_get_serial_sequence('contact_points', 'id'), (select max(id) from contact_points));
insert into contact_points (workspace_id, contact_id, kind, value, verified)
select workspace_id, id, 'email', replace(lower(name), ' ', '.') || id || '@example.com', false from wanted, people where n % 3 < 2;

-- Three years of conversations. Most are short; a few go on for as long as the business has been there.
create temp table talks on commit drop as
select n, base.id + n as id, began, long, case when long then wanted.thread else 1 + floor(-ln(1 - random()) * 2.55)::int end as size,
  case when long then interval '1000 days' else random() * interval '4 days' end as span,
  case when recent and random() < 0.25 or long then 'open' when recent and random() < 0.02 then 'snoozed' else 'closed' end as status,
  1 + floor(power(random(), 3) * 8)::int as account, 1 + floor(random() * contacts)::int as person,
  case when random() < 0.6 then 1 + floor(power(random(), 2) * 20)::int end as assignee,
  case when random() < 0.3 then 1 + floor(power(random(), 2) * 5)::int end as team
from wanted, (select coalesce(max(id), 0) as id from conversations) base,
  lateral (select n, n <= threads as long, n > conversations * 0.8 as recent,
    timestamptz '2026-01-01' - interval '1095 days' * (1 - n::float / conversations) as began
    from generate_series(1, conversations) n) c;
create unique index on talks (n);
create temp table said on commit drop as
select base.id + row_number() over (order by at) as id, talk, k, at,
  case when kind < 0.03 and k > 1 then 'comment' when kind < 0.45 and k > 1 then 'out' else 'in' end as kind,
  1 + floor(random() * 60000)::int as p1, 1 + floor(random() * 60000)::int as p2, 1 + floor(random() * 60000)::int as p3,
  1 + floor(random() * 20)::int as author, random() as chance
from (select coalesce(max(id), 0) as id from messages) base,
  (select n as talk, k, began + span * (k::float / size) as at, random() as kind from talks, generate_series(1, size) k) m;

insert into messages (workspace_id, id, conversation_id, direction, audience, inbox_id, point_id, author_id, author_name, text, external_id,
  delivery, delivery_at, due_at, mentions, at)
select workspace_id, said.id, talks.id, case kind when 'in' then 'in' else 'out' end, case kind when 'comment' then 'team' else 'contact' end,
  case when kind <> 'comment' then a.id end, case when kind <> 'comment' then p.phone end, case when kind <> 'in' then s.id end, '',
  x.phrase || ' ' || y.phrase || ' ' || z.phrase || case when chance < 0.1 then ' ref' || said.id else '' end,
  case when kind <> 'comment' then 'bench' || said.id end,
  case when kind = 'out' then case when chance < 0.002 then 'failed' when chance < 0.004 then 'queued' else 'delivered' end end, said.at,
  case when kind = 'out' and chance between 0.002 and 0.004 then said.at + interval '5 years' end,
  case when kind = 'comment' and chance < 0.2 then array[(select id from staff where n = 1 + author % 20)] else '{}' end, said.at
from wanted, said join talks on talks.n = talk join people p on p.n = person join accounts a on a.n = account join staff s on s.n = author
join phrases x on x.n = p1 join phrases y on y.n = p2 join phrases z on z.n = p3 order by said.id;

insert into conversations (workspace_id, id, contact_id, status, assignee_id, team_id, snoozed_until, closed_at, last_at, last_inbound_at,
  last_message_id, last_preview, last_direction, last_audience, last_inbox_id, inbox_ids, inbound_count, message_count, created_at)
select workspace_id, t.id, p.id, t.status, s.id, g.id, case t.status when 'snoozed' then timestamptz '2036-01-01' end,
  case t.status when 'closed' then m.last end, m.last, m.last_in, m.id, 'the last words of it', 'in', 'contact', a.id,
  case when t.n % 30 = 0 then array[a.id, b.id] else array[a.id] end, m.inbound, m.n, t.began
from wanted, talks t join people p on p.n = person join accounts a on a.n = account join accounts b on b.n = 1 + account % 8
left join staff s on s.n = assignee left join groups g on g.n = team
join (select talk, max(at) as last, max(at) filter (where kind = 'in') as last_in, max(id) as id, count(*) as n,
  count(*) filter (where kind = 'in') as inbound from said group by talk) m on m.talk = t.n
order by t.id;

-- The first label is on every fifth conversation, the last one on a handful.
insert into conversation_labels (workspace_id, conversation_id, label_id)
select workspace_id, t.id, marks.id from wanted, talks t, marks where random() < 0.2 * power(0.65, marks.n - 1) + t.n * 0;
-- User 1 reads two of three, user 2 everything that is open, the others a tenth. Nobody stars more than some hundreds.
insert into read_states (workspace_id, user_id, conversation_id, read_count, starred)
select c.workspace_id, s.id, c.id, c.inbound_count, random() < 200.0 / conversations
from wanted, conversations c, staff s where c.workspace_id = wanted.workspace_id
  and (s.n = 2 and c.status = 'open' or random() < case s.n when 1 then 0.66 else 0.1 end);
insert into events (workspace_id, seq, at, kind, conversation_id, message_id)
select workspace_id, row_number() over (order by said.id), said.at, 'MessageReceived', talks.id, said.id
from wanted, said join talks on talks.n = talk;
insert into event_counters (workspace_id, seq) select workspace_id, count(*) from wanted, said group by 1
on conflict (workspace_id) do update set seq = excluded.seq;
insert into attachments (workspace_id, message_id, name, content_type, size, hash)
select workspace_id, said.id, 'photo.jpg', 'image/jpeg', 12000, repeat('0', 64) from wanted, said where chance > 0.97;

select setval(pg_get_serial_sequence('contacts', 'id'), (select max(id) from contacts)),
  setval(pg_get_serial_sequence('conversations', 'id'), (select max(id) from conversations)),
  setval(pg_get_serial_sequence('messages', 'id'), (select max(id) from messages));
