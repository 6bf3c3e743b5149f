ALTER TABLE "request" ADD COLUMN "consumer_origins" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
-- What was approved until now was approved for where the LMS stood.
UPDATE "request" r SET "consumer_origins" = s."origins" FROM "connection" c JOIN "system" s ON s."id" = c."consumer_system_id"
 WHERE c."id" = r."connection_id" AND c."way" = 'push';
