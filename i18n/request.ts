import { getRequestConfig } from 'next-intl/server';
import { loadMessages } from '#messages/load-messages.ts';

/** One language until a second folder stands in messages/; times are shown in the reader's own zone on the page. */
export default getRequestConfig(async () => ({ locale: 'en', messages: loadMessages('en'), timeZone: 'UTC' }));
