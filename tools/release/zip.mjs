/** Writes ZIP archives (PKWARE's APPNOTE.TXT) that are equal for equal content: a fixed time, the given order, no extra fields. */
import { crc32, deflateRawSync } from 'node:zlib';

/** 1980-01-01 00:00, the first time that the format can express. */
const DOS_DATE = 0x0021;
const VERSION_NEEDED = 20;
const UTF8_NAMES = 0x0800;
const DEFLATE = 8;
/** A regular file that everybody may read, in the upper half of the attributes; "made by" 3 is Unix. */
const FILE_MODE = 0o100644 * 0x1_0000;
const MADE_BY_UNIX = 0x0300 | VERSION_NEEDED;

/**
 * @param {readonly (readonly [path: string, content: Buffer])[]} files
 * @returns {Buffer}
 */
export function zipArchive(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [path, content] of files) {
    const name = Buffer.from(path);
    const data = deflateRawSync(content, { level: 9 });
    const common = Buffer.alloc(26);
    common.writeUInt16LE(VERSION_NEEDED, 0);
    common.writeUInt16LE(UTF8_NAMES, 2);
    common.writeUInt16LE(DEFLATE, 4);
    common.writeUInt16LE(DOS_DATE, 8);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name]);
    // Length of the comment, disk and internal attributes are 0.
    const central = Buffer.alloc(14);
    central.writeUInt32LE(FILE_MODE, 6);
    central.writeUInt32LE(offset, 10);
    const madeBy = Buffer.alloc(2);
    madeBy.writeUInt16LE(MADE_BY_UNIX);
    directory.push(Buffer.from('PK\x01\x02', 'latin1'), madeBy, common, central, name);
    parts.push(local, data);
    offset += local.length + data.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, listed, end]);
}
