-- `/dev/mail` of the demo shows mail of every school; in production no rendered text is ever stored.
create function across.kept_mails() returns table (id uuid, to_address text, subject text, html text, created_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select id, to_address, subject, html, created_at from public.mail where html is not null order by created_at desc, id desc limit 200
$$;
--> statement-breakpoint
grant execute on function across.kept_mails to crosswalk_web;
