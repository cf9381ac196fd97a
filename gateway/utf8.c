#include "gateway/utf8.h"

size_t utf8_character(const char *text, size_t bytes, uint32_t *ret_code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *byte = (const unsigned char *)text;
	size_t length;
	uint32_t code;

	if (bytes == 0)
		return 0;
	length = byte[0] < 0x80	  ? 1
		 : byte[0] < 0xc0 ? 0
		 : byte[0] < 0xe0 ? 2
		 : byte[0] < 0xf0 ? 3
		 : byte[0] < 0xf8 ? 4
				  : 0;
	if (length == 0 || length > bytes)
		return 0;
	code = length == 1 ? byte[0] : byte[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (byte[i] & 0x3f);
	}
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return length;
}
