/** A column of a table that can be sorted. */
export interface TableColumn {
  name: string;
  title: string;
  isNumber: boolean;
  unit?: string;
  better?: 'lower' | 'higher';
  cells: readonly (string | number | boolean | null)[];
}
