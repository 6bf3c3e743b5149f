/** What a Moodle says of itself, and of the token that asks. */

import type { Call, Value } from './call.ts';
import { text } from './call.ts';

export const RELEASE = '4.5.6 (Build: 20250811)';
const VERSION = '2024100706';

export function siteInfo(call: Call): Value {
  const { user, siteUrl, model } = call;
  return {
    sitename: text(call, `${model.school.name} Moodle`),
    username: user.username,
    firstname: user.firstname,
    lastname: user.lastname,
    fullname: `${user.firstname} ${user.lastname}`,
    lang: 'en',
    userid: user.id,
    siteurl: siteUrl,
    userpictureurl: `${siteUrl}/theme/image.php/boost/core/1/u/f1`,
    functions: call.functions.map((name) => ({ name, version: VERSION })),
    downloadfiles: 0,
    uploadfiles: 0,
    release: RELEASE,
    version: VERSION,
    mobilecssurl: '',
    advancedfeatures: [{ name: 'usecomments', value: 1 }],
    usercanmanageownfiles: true,
    userquota: 104_857_600,
    usermaxuploadfilesize: -1,
    userhomepage: 1,
    siteid: 1,
    sitecalendartype: 'gregorian',
    usercalendartype: 'gregorian',
    userissiteadmin: user.isAdmin,
    theme: 'boost',
    limitconcurrentlogins: 0,
    policyagreed: 0,
  };
}
