/** Tables as Parquet, with types that do not depend on which rows there are. */
import { ByteWriter, ParquetWriter, type BasicType } from 'hyparquet-writer';
import { schemaFromColumnData } from 'hyparquet-writer';
import type { DataColumn, DataTable } from '../report/data-table.js';

const TYPES: Record<DataColumn['type'], BasicType> = {
  integer: 'INT64',
  place: 'INT32',
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  text: 'STRING',
};

/** A whole file: what is null where a column has nothing. */
export function parquetOf(table: DataTable): Uint8Array {
  return Buffer.concat([...parquetPieces([table])]);
}

/**
 * Tables with the same columns, at least one, as one file in pieces.
 * @param isDense every cell has something; without levels and statistics millions of rows take a quarter of the time
 */
export function* parquetPieces(
  tables: Iterable<DataTable>,
  { isDense = false } = {},
): Generator<Uint8Array> {
  const bytes = new ByteWriter();
  let writer: ParquetWriter | undefined;
  for (const table of tables) {
    const columnData = table.map((column) => ({ ...columnOf(column), nullable: !isDense }));
    writer ??= new ParquetWriter({
      writer: bytes,
      schema: schemaFromColumnData({ columnData }),
      statistics: !isDense,
      createdBy: 'wafersim',
    });
    // Nothing is waited for: what is written is in memory.
    void writer.write({ columnData, ...(isDense && { rowGroupSize: table[0].cells.length }) });
    yield taken(bytes);
  }
  void writer?.finish();
  yield taken(bytes);
}

/** What has been written; its place is free again. */
function taken(bytes: ByteWriter): Uint8Array {
  const piece = bytes.getBytes().slice();
  bytes.index = 0;
  return piece;
}

function columnOf({ name, type, cells }: DataColumn) {
  const data =
    type === 'integer'
      ? cells.map((cell) => (cell === null ? cell : BigInt(Number(cell))))
      : [...cells];
  return { name, type: TYPES[type], data };
}
