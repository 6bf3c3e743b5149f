/** Something about this machine or its configuration that a person must change; the message is the sentence that says so. */
export class Refused extends Error {}
