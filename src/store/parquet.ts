/** Tables as Parquet, with types that do not depend on which rows there are. */
import { ByteWriter, ParquetWriter, type BasicType } from 'hyparquet-writer';
import { schemaFromColumnData } from 'hyparquet-writer';
import type { DataColumn, DataTable } from '../report/data-table.js';

const TYPES: Record<DataColumn['type'], BasicType> = {
  integer: 'INT64',
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  text: 'STRING',
};

/** A whole file: what is null where a column has nothing. */
export function parquetOf(table: DataTable): Uint8Array {
  return Buffer.concat([...parquetPieces([table])]);
}

/** Tables with the same columns, at least one, as one file in pieces. */
export function* parquetPieces(tables: Iterable<DataTable>): Generator<Uint8Array> {
  const bytes = new ByteWriter();
  let writer: ParquetWriter | undefined;
  for (const table of tables) {
    const columnData = table.map(columnOf);
    writer ??= new ParquetWriter({
      writer: bytes,
      schema: schemaFromColumnData({ columnData }),
      createdBy: 'wafersim',
    });
    // In this process nothing is waited for.
    void writer.write({ columnData });
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
  const data = cells.map((cell) =>
    type === 'integer' && cell !== null ? BigInt(Number(cell)) : cell,
  );
  return { name, type: TYPES[type], nullable: true, data };
}
