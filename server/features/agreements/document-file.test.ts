import { describe, expect, it } from 'vitest';
import { cleanFileName, documentMaxBytes, documentTypeOf, readDocumentFile } from './document-file.ts';

const pdf = Buffer.from('%PDF-1.7\n1 0 obj\nendobj\ntrailer\n%%EOF\n');
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(100), Buffer.from([0xff, 0xd9])]);
const asFile = (bytes: Buffer, fileName = 'scan.pdf') => ({ fileName, base64: bytes.toString('base64') });
const refused = (problem: string) => expect.objectContaining({ code: 'file-refused', details: { problem } });

describe('a scanned document', () => {
  it('is what its bytes say, whatever its name', () => {
    expect(readDocumentFile(asFile(pdf, 'holiday.exe'))).toMatchObject({
      contentType: 'application/pdf',
      fileName: 'holiday.pdf',
    });
    expect(documentTypeOf(png)).toBe('image/png');
    expect(documentTypeOf(jpeg)).toBe('image/jpeg');
  });

  it('is refused when empty, cut short, too large or something else', () => {
    expect(() => readDocumentFile(asFile(Buffer.alloc(0)))).toThrow(refused('empty'));
    expect(() => readDocumentFile(asFile(pdf.subarray(0, 20)))).toThrow(refused('wrong-type'));
    expect(() => readDocumentFile(asFile(png.subarray(0, 40)))).toThrow(refused('wrong-type'));
    expect(() => readDocumentFile(asFile(Buffer.from('<html><script>alert(1)</script>')))).toThrow(
      refused('wrong-type'),
    );
    expect(() => readDocumentFile(asFile(Buffer.from('MZ\u0090')))).toThrow(refused('wrong-type'));
    expect(() => readDocumentFile({ fileName: 'x.pdf', base64: 'not base64!' })).toThrow(refused('wrong-type'));
    const large = Buffer.concat([pdf, Buffer.alloc(documentMaxBytes), pdf]);
    expect(() => readDocumentFile(asFile(large))).toThrow(refused('too-large'));
  });

  it('gets a name without path, control characters or a false ending', () => {
    expect(cleanFileName('../../etc/pass"wd\u202Efdp.exe', 'application/pdf')).toBe('passwdfdp.pdf');
    expect(cleanFileName('C:\\Users\\me\\Overeenkomst 2026.PDF', 'application/pdf')).toBe('Overeenkomst 2026.pdf');
    expect(cleanFileName('..', 'image/png')).toBe('document.png');
  });
});
