-- As said_in, which the code before this one calls: beside each conversation the newest of the messages that were looked
-- at in it and say what is looked for (0: its subject).
create function found_in(workspace bigint, sought text[], met text[], newest boolean[], whole integer[],
  few integer, most integer, enough integer, out ids bigint[], out messages bigint[], out steps integer, out cut boolean)
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_indexscan = off as $$
declare
  here bigint[];
  said bigint[];
  asked integer := 0;
  meets tsquery;
  plan json;
begin
  ids := '{}';
  messages := '{}';
  steps := 0;
  cut := false;
  while steps < cardinality(sought) and cardinality(ids) < enough loop
    steps := steps + 1;
    if whole[steps] > steps and whole[steps] <> asked then
      asked := whole[steps];
      perform set_config('app.search', sought[asked], true);
      execute format('explain (format json) select from message_words where workspace_id = %s', workspace) into plan;
      if (plan #>> '{0,Plan,Plan Rows}')::bigint <= few then
        steps := asked;
      end if;
    end if;
    perform set_config('app.search', sought[steps], true);
    meets := met[steps];
    if newest[steps] then
      select array_agg(conversation_id), array_agg(message_id) into here, said from (
        select conversation_id, message_id from message_words
        where workspace_id = workspace and (meets is null or words @@ meets)
        order by message_id desc limit most) t;
    else
      select array_agg(conversation_id), array_agg(message_id) into here, said from (
        select conversation_id, message_id from message_words where workspace_id = workspace limit most) t;
    end if;
    if here is not null then
      select array_agg(c), array_agg(m) into ids, messages from (
        select c, max(m) as m from unnest(ids || here, messages || said) as one (c, m) group by c) t;
    end if;
    if cardinality(here) = most then
      cut := true;
      steps := steps - 1;
      exit;
    end if;
  end loop;
end $$;
