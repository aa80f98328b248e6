-- A search looks into window after window until it has found enough: one statement for all of them. `sought` is what the
-- index is asked for, `met` what a row has to meet besides (null: nothing), `newest` whether the newest are taken of more
-- than `most`. `whole` is the number of the window that holds all of its kind: it is looked into at once when PostgreSQL
-- thinks that it holds `few` or less. `steps` is how many windows are done with; `cut` says that the next one holds more.
create function said_in(workspace bigint, sought text[], met text[], newest boolean[], whole integer[],
  few integer, most integer, enough integer, out ids bigint[], out steps integer, out cut boolean) language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_indexscan = off as $$
declare
  found bigint[];
  asked integer := 0;
  meets tsquery;
  plan json;
begin
  ids := '{}';
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
      found := array(select conversation_id from message_words
        where workspace_id = workspace and (meets is null or words @@ meets)
        order by message_id desc limit most);
    else
      found := array(select conversation_id from message_words where workspace_id = workspace limit most);
    end if;
    ids := array(select distinct unnest(ids || found));
    if cardinality(found) = most then
      cut := true;
      steps := steps - 1;
      exit;
    end if;
  end loop;
end $$;
