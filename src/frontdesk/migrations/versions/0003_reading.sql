-- Where else a conversation is listed than by its own columns (under its labels, its inboxes, for whom it mentions), and
-- the words by which messages and contacts are found. Triggers keep them, so that every writer does, an older version too.
--
-- The large part is copied before anything is locked; then locks are taken, what changed meanwhile is copied, and the
-- transaction ends. Writers wait for the second part only.

create temp table copied on commit drop as
select age(pg_snapshot_xmin(pg_current_snapshot())::text::xid) as age, own from (select pg_current_xact_id()::xid as own) us;

-- Small letters, and no accents.
create function unmarked(said text) returns text language sql immutable parallel safe
return lower(case when octet_length(said) = length(said) then said
  else regexp_replace(normalize(said, NFKD), '[\u0300-\u036f]+', '', 'g') end);

-- A text whose words, as PostgreSQL's parser finds them, all begin with w<workspace>x: one business's search never reads
-- through another's words. Everything that is no letter and no digit separates; what lies beyond 50,000 characters is left out.
create function marked(workspace_id bigint, said text) returns text language sql immutable parallel safe
return regexp_replace(' ' || unmarked(left(said, 50000)),
  '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f]+', ' w' || workspace_id || 'x', 'g');

create table listings (
  workspace_id bigint not null,
  conversation_id bigint not null,
  kind text not null,
  of_id bigint not null,
  status text not null,
  last_at timestamp with time zone not null,
  constraint pk_listings primary key (workspace_id, conversation_id, kind, of_id),
  constraint ck_listings_kind check (kind in ('label', 'inbox', 'mention'))
);

-- Besides its words a message has lexemes that say which thousands of messages it belongs to: a search begins with the
-- newest. Message 0 is the conversation's own subject.
create table message_words (
  workspace_id bigint not null,
  conversation_id bigint not null,
  message_id bigint not null,
  words tsvector not null,
  constraint pk_message_words primary key (workspace_id, conversation_id, message_id)
);

create table contact_words (
  workspace_id bigint not null,
  contact_id bigint not null,
  name text not null,
  haystack text not null,
  words tsvector not null,
  constraint pk_contact_words primary key (workspace_id, contact_id)
);

create function message_lexemes(workspace_id bigint, message_id bigint, said text) returns tsvector
language sql immutable parallel safe
return strip(to_tsvector('simple', marked(workspace_id, said))) || array_to_tsvector(array[
  workspace_id || '~11.' || (message_id >> 11), workspace_id || '~14.' || (message_id >> 14),
  workspace_id || '~17.' || (message_id >> 17), workspace_id || '~20.' || (message_id >> 20)]);

-- Every three characters in a row of a contact's name and addresses: they are found by any part.
create function contact_lexemes(workspace_id bigint, haystack text) returns tsvector language sql immutable parallel safe
return array_to_tsvector((
  select coalesce(array_agg(workspace_id || '.' || substr(haystack || E'\n\n', n, 3)), '{}')
  from generate_series(1, length(haystack)) n));

-- Everything that the three tables hold of these conversations or contacts (null: of all) of a workspace.

create function listings_of(workspace bigint, conversations bigint[]) returns setof listings language sql stable
begin atomic
  select c.workspace_id, c.id, found.kind, found.of_id, c.status, c.last_at from conversations c, lateral (
    select 'inbox' as kind, i as of_id from unnest(c.inbox_ids) i union
    select 'label', x.label_id from conversation_labels x where x.workspace_id = c.workspace_id and x.conversation_id = c.id
    union select 'mention', u from messages m, unnest(m.mentions) u
    where m.workspace_id = c.workspace_id and m.conversation_id = c.id and m.mentions <> '{}') found
  where c.workspace_id = workspace and ($2 is null or c.id = any($2));
end;

create function message_words_of(workspace bigint, conversations bigint[]) returns setof message_words language sql stable
begin atomic
  select m.workspace_id, m.conversation_id, m.id, message_lexemes(m.workspace_id, m.id, concat_ws(' ', m.subject, m.text))
  from messages m where m.workspace_id = workspace and m.direction <> 'activity' and ($2 is null or m.conversation_id = any($2))
  union all
  select c.workspace_id, c.id, 0, message_lexemes(c.workspace_id, coalesce(c.last_message_id, 0), c.subject)
  from conversations c where c.workspace_id = workspace and c.subject is not null and ($2 is null or c.id = any($2));
end;

create function contact_words_of(workspace bigint, contacts bigint[]) returns setof contact_words language sql stable
begin atomic
  select f.workspace_id, f.id, f.name, f.haystack, contact_lexemes(f.workspace_id, f.haystack) from (
    select c.workspace_id, c.id, lower(c.name) as name, concat_ws(E'\n', unmarked(c.name), (
      select string_agg(unmarked(p.value), E'\n' order by p.id) from contact_points p
      where p.workspace_id = c.workspace_id and p.contact_id = c.id)) as haystack
    from contacts c where c.workspace_id = workspace and c.merged_into is null and ($2 is null or c.id = any($2))) f;
end;

-- The large part. One workspace after the other: row-level security binds an owner who is no superuser.

do $$ declare one bigint; begin
  perform set_config('app.across', 'on', true);
  for one in select id from workspaces loop
    perform set_config('app.workspace_id', one::text, true);
    insert into listings select * from listings_of(one, null);
    insert into message_words select * from message_words_of(one, null);
    insert into contact_words select * from contact_words_of(one, null);
  end loop;
end $$;
create index ix_listings_list on listings (workspace_id, kind, of_id, status, last_at desc, conversation_id desc);
create index ix_message_words_words on message_words using gin (words) with (gin_pending_list_limit = 256);
create index ix_contact_words_words on contact_words using gin (words) with (gin_pending_list_limit = 256);

-- From here on writers wait; should they keep us waiting, the next start tries again. Everything that other transactions
-- wrote since this one began carries a number that is younger than the oldest of those that were under way then.

set local lock_timeout = '5s';
lock table conversations, messages, conversation_labels, contacts, contact_points in share row exclusive mode;

do $$ declare one bigint; late bigint[]; begin
  delete from listings where workspace_id not in (select id from workspaces);
  delete from message_words where workspace_id not in (select id from workspaces);
  delete from contact_words where workspace_id not in (select id from workspaces);
  for one in select id from workspaces loop
    perform set_config('app.workspace_id', one::text, true);

    late := array(
      select c.id from conversations c, copied
      where c.workspace_id = one and age(c.xmin) <= copied.age and c.xmin <> copied.own
      union select m.conversation_id from messages m, copied
      where m.workspace_id = one and age(m.xmin) <= copied.age and m.xmin <> copied.own);
    delete from listings l where l.workspace_id = one and (l.conversation_id = any(late) or not exists (
      select from conversations c where c.workspace_id = one and c.id = l.conversation_id));
    insert into listings select * from listings_of(one, late);
    delete from message_words w where w.workspace_id = one and (w.conversation_id = any(late) or not exists (
      select from conversations c where c.workspace_id = one and c.id = w.conversation_id));
    insert into message_words select * from message_words_of(one, late);

    late := array(
      select c.id from contacts c, copied
      where c.workspace_id = one and age(c.xmin) <= copied.age and c.xmin <> copied.own
      union select p.contact_id from contact_points p, copied
      where p.workspace_id = one and age(p.xmin) <= copied.age and p.xmin <> copied.own);
    delete from contact_words w where w.workspace_id = one and (w.contact_id = any(late) or not exists (
      select from contacts c where c.workspace_id = one and c.id = w.contact_id));
    insert into contact_words select * from contact_words_of(one, late);
  end loop;
  perform set_config('app.across', '', true), set_config('app.workspace_id', '', true);
end $$;

-- Not checked for the rows that are there: an owner whom row-level security binds cannot, and they were just copied.
alter table listings add constraint fk_listings_workspace_id_conversation_id
  foreign key (workspace_id, conversation_id) references conversations (workspace_id, id) on delete cascade not valid;
alter table message_words add constraint fk_message_words_workspace_id_conversation_id
  foreign key (workspace_id, conversation_id) references conversations (workspace_id, id) on delete cascade not valid;
alter table contact_words add constraint fk_contact_words_workspace_id_contact_id
  foreign key (workspace_id, contact_id) references contacts (workspace_id, id) on delete cascade not valid;

-- What keeps them from now on. A function that has to see what nobody looks for says that it looks for everything.

create function list_new() returns trigger language plpgsql as $$
begin
  insert into listings select n.workspace_id, n.id, 'inbox', i, n.status, n.last_at from new_rows n, unnest(n.inbox_ids) i
  on conflict do nothing;
  insert into message_words
  select n.workspace_id, n.id, 0, message_lexemes(n.workspace_id, coalesce(n.last_message_id, 0), n.subject)
  from new_rows n where n.subject is not null;
  return null;
end $$;

-- (Old and new are compared as sets: to join the two costs the square of their number, as joins are told to go here.)
-- (A setting of our own cannot be a function's attribute: only a superuser may name one that PostgreSQL does not know.)
create function list_changed() returns trigger language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  perform set_config('app.search', '!''~''', true);
  if exists (select workspace_id, id, status, last_at from new_rows except
    select workspace_id, id, status, last_at from old_rows) then
    update listings l set status = n.status, last_at = n.last_at from new_rows n
    where l.workspace_id = n.workspace_id and l.conversation_id = n.id
      and (l.status, l.last_at) is distinct from (n.status, n.last_at);
  end if;
  if exists (select workspace_id, id, inbox_ids from new_rows except select workspace_id, id, inbox_ids from old_rows) then
    delete from listings l using new_rows n where l.workspace_id = n.workspace_id and l.conversation_id = n.id
      and l.kind = 'inbox' and l.of_id <> all(n.inbox_ids);
    insert into listings select n.workspace_id, n.id, 'inbox', i, n.status, n.last_at from new_rows n, unnest(n.inbox_ids) i
    on conflict do nothing;
  end if;
  if exists (select workspace_id, id, subject from new_rows except select workspace_id, id, subject from old_rows) then
    delete from message_words w using new_rows n
    where w.workspace_id = n.workspace_id and w.conversation_id = n.id and w.message_id = 0;
    insert into message_words
    select n.workspace_id, n.id, 0, message_lexemes(n.workspace_id, coalesce(n.last_message_id, 0), n.subject)
    from new_rows n where n.subject is not null;
  end if;
  return null;
end $$;

create function list_labelled() returns trigger language plpgsql as $$
begin
  insert into listings select c.workspace_id, c.id, 'label', n.label_id, c.status, c.last_at
  from new_rows n join conversations c on c.workspace_id = n.workspace_id and c.id = n.conversation_id
  on conflict do nothing;
  return null;
end $$;

create function list_unlabelled() returns trigger language plpgsql as $$
begin
  delete from listings l using old_rows o
  where (l.workspace_id, l.conversation_id, l.kind, l.of_id) = (o.workspace_id, o.conversation_id, 'label', o.label_id);
  return null;
end $$;

create function find_new_messages() returns trigger language plpgsql as $$
begin
  insert into message_words
  select n.workspace_id, n.conversation_id, n.id, message_lexemes(n.workspace_id, n.id, concat_ws(' ', n.subject, n.text))
  from new_rows n where n.direction <> 'activity';
  if exists (select from new_rows n where n.mentions <> '{}') then
    insert into listings select distinct c.workspace_id, c.id, 'mention', u, c.status, c.last_at
    from new_rows n cross join unnest(n.mentions) u
    join conversations c on c.workspace_id = n.workspace_id and c.id = n.conversation_id
    on conflict do nothing;
  end if;
  return null;
end $$;

create function find_changed_message() returns trigger language plpgsql as $$
begin
  perform set_config('app.search', '!''~''', true);
  delete from message_words
  where workspace_id = old.workspace_id and conversation_id = old.conversation_id and message_id = old.id;
  insert into message_words
  select new.workspace_id, new.conversation_id, new.id,
    message_lexemes(new.workspace_id, new.id, concat_ws(' ', new.subject, new.text))
  where new.direction <> 'activity';
  if new.mentions <> '{}' or old.mentions <> '{}' then
    delete from listings where workspace_id = old.workspace_id
      and conversation_id in (old.conversation_id, new.conversation_id) and kind = 'mention';
    insert into listings
    select * from listings_of(old.workspace_id, array[old.conversation_id, new.conversation_id]) where kind = 'mention'
    on conflict do nothing;
  end if;
  return null;
end $$;

create function find_again(workspace bigint, contacts bigint[]) returns void language plpgsql as $$
begin
  perform set_config('app.search', '!''~''', true);
  delete from contact_words where workspace_id = workspace and contact_id = any(contacts);
  insert into contact_words select * from contact_words_of(workspace, contacts);
end $$;

create function find_new_contacts() returns trigger language plpgsql as $$
begin
  perform set_config('app.search', '!''~''', true);
  insert into contact_words select f.* from (
    select n.workspace_id, array_agg(n.id) as ids from new_rows n where not exists (
      select from contact_words w where w.workspace_id = n.workspace_id and w.contact_id = n.id) group by 1) n,
    lateral contact_words_of(n.workspace_id, n.ids) f;
  return null;
end $$;

create function find_new_points() returns trigger language plpgsql as $$
begin
  perform find_again(n.workspace_id, array_agg(distinct n.contact_id)) from new_rows n group by n.workspace_id;
  return null;
end $$;

create function find_changed_contact() returns trigger language plpgsql as $$
begin
  perform find_again(new.workspace_id, array[new.id]);
  return null;
end $$;

create function find_changed_point() returns trigger language plpgsql as $$
begin
  perform find_again(old.workspace_id, array[old.contact_id, new.contact_id]);
  return null;
end $$;

create trigger list_new after insert on conversations
  referencing new table as new_rows for each statement execute function list_new();
create trigger list_changed after update on conversations
  referencing old table as old_rows new table as new_rows for each statement execute function list_changed();
create trigger list_labelled after insert on conversation_labels
  referencing new table as new_rows for each statement execute function list_labelled();
create trigger list_unlabelled after delete on conversation_labels
  referencing old table as old_rows for each statement execute function list_unlabelled();
create trigger find_new after insert on messages
  referencing new table as new_rows for each statement execute function find_new_messages();
create trigger find_changed after update of conversation_id, text, subject, mentions on messages for each row
  when ((old.conversation_id, old.text, old.subject, old.mentions) is distinct from
        (new.conversation_id, new.text, new.subject, new.mentions)) execute function find_changed_message();
create trigger find_new after insert on contacts
  referencing new table as new_rows for each statement execute function find_new_contacts();
create trigger find_changed after update of name, merged_into on contacts for each row
  when ((old.name, old.merged_into) is distinct from (new.name, new.merged_into)) execute function find_changed_contact();
create trigger find_new after insert on contact_points
  referencing new table as new_rows for each statement execute function find_new_points();
create trigger find_changed after update of contact_id, value on contact_points for each row
  when ((old.contact_id, old.value) is distinct from (new.contact_id, new.value)) execute function find_changed_point();
create trigger find_gone after delete on contact_points for each row execute function find_changed_point();

create index ix_conversations_team on conversations (workspace_id, team_id, status, last_at desc, id desc)
  where team_id is not null;
drop index ix_conversations_not_closed;
create index ix_messages_received on messages (workspace_id, conversation_id, inbox_id, point_id, at desc)
  where direction = 'in';
