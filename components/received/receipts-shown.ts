/** As many receipts as are asked for at once; older ones stand in the activity. */
export const receiptsShown = 200;
