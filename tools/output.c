#include "output.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

void table_begin(struct table *table, const struct table_column *columns, size_t column_count)
{
	*table = (struct table){.columns = columns, .column_count = column_count};
}

static bool table_grow(struct table *table)
{
	const size_t room = table->cell_room ? table->cell_room * 2 : 64;
	void *cells;

	if (table->cell_count < table->cell_room)
		return true;
	cells = realloc(table->cells, room * TABLE_CELL_BYTES);
	if (!cells)
		return false;
	table->cells = cells;
	table->cell_room = room;
	return true;
}

void table_cell(struct table *table, const char *format, ...)
{
	va_list arguments;

	if (!table_grow(table))
		return;
	va_start(arguments, format);
	vsnprintf(table->cells[table->cell_count++], TABLE_CELL_BYTES, format, arguments);
	va_end(arguments);
}

static size_t column_width(const struct table *table, size_t column)
{
	size_t width = strlen(table->columns[column].title);

	for (size_t i = column; i < table->cell_count; i += table->column_count)
		if (strlen(table->cells[i]) > width)
			width = strlen(table->cells[i]);
	return width;
}

/* `row` is the first cell, or NULL for the titles. */
static void print_row(const struct table *table, const size_t *widths, const char (*row)[TABLE_CELL_BYTES],
		      const char *line_end, FILE *file)
{
	for (size_t i = 0; i < table->column_count; i++) {
		const char *text = row ? row[i] : table->columns[i].title;
		const bool last = i + 1 == table->column_count;

		if (table->columns[i].right)
			fprintf(file, "%*s", (int)widths[i], text);
		else if (last)
			fputs(text, file); /* no trailing blanks */
		else
			fprintf(file, "%-*s", (int)widths[i], text);
		fputs(last ? line_end : "  ", file);
	}
}

int table_print(struct table *table, size_t rows_max, const char *line_end, FILE *file)
{
	const size_t rows = table->cell_count / table->column_count;
	const bool whole = table->cell_count % table->column_count == 0;
	size_t widths[TABLE_COLUMNS_MAX];

	for (size_t i = 0; i < table->column_count; i++)
		widths[i] = column_width(table, i);
	print_row(table, widths, NULL, line_end, file);
	for (size_t row = 0; row < rows && row < rows_max; row++)
		print_row(table, widths, (const char(*)[TABLE_CELL_BYTES])table->cells + row * table->column_count,
			  line_end, file);
	free(table->cells);
	table->cells = NULL;
	return whole ? 0 : -1;
}

int output_json(json_t *object, FILE *file)
{
	int rc;

	if (!object)
		return report(EXIT_FAILED, "out of memory");
	/* A failed write stays in the stream's error flag; whoever flushes reports it. */
	rc = json_dumpf(object, file, JSON_COMPACT);
	json_decref(object);
	if (rc && !ferror(file))
		return report(EXIT_FAILED, "cannot encode as JSON");
	fputc('\n', file);
	return EXIT_DONE;
}

json_t *output_number(uint64_t number)
{
	return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

void output_bytes(uint64_t bytes, char *ret_text, size_t text_bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		value /= 1024;
	snprintf(ret_text, text_bytes, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}
