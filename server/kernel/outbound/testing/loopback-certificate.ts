/**
 * A self-signed certificate for names under `.test` (RFC 6761 §6.2) and 127.0.0.1, good from 2020 to 2120. Its key is
 * public and trusted by nobody but the tests of this folder.
 */
export const loopbackCertificate = `-----BEGIN CERTIFICATE-----
MIIBsjCCAVmgAwIBAgIBATAKBggqhkjOPQQDAjAiMSAwHgYDVQQDDBdDcm9zc3dh
bGsgbG9vcGJhY2sgdGVzdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAw
MFowIjEgMB4GA1UEAwwXQ3Jvc3N3YWxrIGxvb3BiYWNrIHRlc3QwWTATBgcqhkjO
PQIBBggqhkjOPQMBBwNCAASb/5ocKab4UblUh/VXJwoFxl7WvAMPjObQbK79zSDQ
PNxLLDphdMfq7Qrc6efecHmF1hKAfPcRw5dS093JXwb3o34wfDBKBgNVHREEQzBB
gg9zaXMuc2Nob29sLnRlc3SCEW90aGVyLnNjaG9vbC50ZXN0ghVyZWJpbmRpbmcu
c2Nob29sLnRlc3SHBH8AAAEwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQU3naA
WoTzVMCHxjBeV1yHAEvN0h0wCgYIKoZIzj0EAwIDRwAwRAIgHvciBmyL/12BV2OC
Tes3/BIPZMfiYpqTIwWvtRpSEMgCIEK1JYPRuwW0+rI6zejyUZxh9dKs/AIi8Y61
nD0NzBjp
-----END CERTIFICATE-----
`;

export const loopbackKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgusD0JeuPJLBdL3n+
ZfHcmkijgY9bPzX9Ke/UoPA3PdKhRANCAASb/5ocKab4UblUh/VXJwoFxl7WvAMP
jObQbK79zSDQPNxLLDphdMfq7Qrc6efecHmF1hKAfPcRw5dS093JXwb3
-----END PRIVATE KEY-----
`;
