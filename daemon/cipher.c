#include "daemon/cipher.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdint.h>
#include <stdlib.h>

struct cipher {
	EVP_CIPHER_CTX *context;
};

/* ---- AES-256-GCM ------------------------------------------------------------------------------ */

int cipher_open(const unsigned char key[static CIPHER_KEY_BYTES], bool encrypts, struct cipher **ret_cipher)
{
	struct cipher *cipher = calloc(1, sizeof(*cipher));
	EVP_CIPHER *kind = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	int error = 0;

	if (cipher)
		cipher->context = EVP_CIPHER_CTX_new();
	if (cipher == NULL || cipher->context == NULL)
		error = -ENOMEM;
	else if (kind == NULL || EVP_CipherInit_ex2(cipher->context, kind, key, NULL, encrypts, NULL) != 1)
		error = -ENOTSUP;
	EVP_CIPHER_free(kind);
	if (error) {
		cipher_close(cipher);
		return error;
	}
	*ret_cipher = cipher;
	return 0;
}

void cipher_close(struct cipher *cipher)
{
	if (cipher == NULL)
		return;
	EVP_CIPHER_CTX_free(cipher->context);
	free(cipher);
}

/* -1: as it was opened. */
int cipher_begin(struct cipher *cipher, const unsigned char nonce[static CIPHER_NONCE_BYTES])
{
	return EVP_CipherInit_ex2(cipher->context, NULL, NULL, nonce, -1, NULL) == 1 ? 0 : -ENOTSUP;
}

static int update(struct cipher *cipher, unsigned char *to, const unsigned char *from, size_t count)
{
	int done;

	if (count > INT_MAX)
		return -EINVAL;
	return count == 0 || EVP_CipherUpdate(cipher->context, to, &done, from, (int)count) == 1 ? 0 : -ENOMEM;
}

int cipher_bind(struct cipher *cipher, const void *bytes, size_t count)
{
	return update(cipher, NULL, bytes, count);
}

int cipher_run(struct cipher *cipher, void *bytes, size_t count)
{
	return update(cipher, bytes, bytes, count);
}

int cipher_end_encrypting(struct cipher *cipher, unsigned char ret_tag[static CIPHER_TAG_BYTES])
{
	unsigned char nothing[CIPHER_TAG_BYTES];
	int done;

	if (EVP_CipherFinal_ex(cipher->context, nothing, &done) != 1 ||
	    EVP_CIPHER_CTX_ctrl(cipher->context, EVP_CTRL_AEAD_GET_TAG, CIPHER_TAG_BYTES, ret_tag) != 1)
		return -ENOMEM;
	return 0;
}

int cipher_end_decrypting(struct cipher *cipher, const unsigned char tag[static CIPHER_TAG_BYTES])
{
	unsigned char nothing[CIPHER_TAG_BYTES];
	int done;

	/* The library only reads it. */
	if (EVP_CIPHER_CTX_ctrl(cipher->context, EVP_CTRL_AEAD_SET_TAG, CIPHER_TAG_BYTES, (void *)(uintptr_t)tag) !=
	    1)
		return -ENOMEM;
	return EVP_CipherFinal_ex(cipher->context, nothing, &done) == 1 ? 0 : -EBADMSG;
}

/* ---- HKDF ------------------------------------------------------------------------------------- */

/* The library only reads what it is given. */
static OSSL_PARAM octets(const char *name, struct cipher_bytes value)
{
	return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)value.bytes, value.count);
}

int cipher_derive(struct cipher_bytes secret, struct cipher_bytes salt, struct cipher_bytes info, void *ret_bytes,
		  size_t count)
{
	EVP_KDF *kind = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *context = kind ? EVP_KDF_CTX_new(kind) : NULL;
	char digest[] = "SHA256";
	OSSL_PARAM parameters[5], *next = parameters;
	int error = -ENOTSUP;

	*next++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	*next++ = octets(OSSL_KDF_PARAM_KEY, secret);
	*next++ = octets(OSSL_KDF_PARAM_INFO, info);
	if (salt.count > 0) /* none: zeros, as RFC 5869 has it */
		*next++ = octets(OSSL_KDF_PARAM_SALT, salt);
	*next = OSSL_PARAM_construct_end();
	if (context && EVP_KDF_derive(context, ret_bytes, count, parameters) == 1)
		error = 0;
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kind);
	return error;
}

void cipher_forget(void *bytes, size_t count)
{
	OPENSSL_cleanse(bytes, count);
}
