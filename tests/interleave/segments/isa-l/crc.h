/* In the place of isa-l: no scenario reads a checksum. */
#ifndef FAKE_ISAL_CRC_H
#define FAKE_ISAL_CRC_H

static inline unsigned crc32_iscsi(unsigned char *bytes, int count, unsigned first)
{
	(void)bytes, (void)count;
	return first;
}

#endif
