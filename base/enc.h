/* Hexadecimal, base64 (RFC 4648) and numbers in text. Pure functions, any thread. */
#ifndef CIP_BASE_ENC_H
#define CIP_BASE_ENC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes 2*len lower-case digits and a NUL. */
void hex_encode(const uint8_t *bytes, size_t len, char *ret_text);

/* Exactly 2*len digits of text, lower case only. */
bool hex_decode(const char *text, size_t len, uint8_t *ret_bytes);

/* Fresh NUL-terminated text; the caller frees it. */
char *base64_encode(const void *bytes, size_t len);

/* Strict: padding required, no white space. Fresh memory of *ret_len bytes plus a NUL; NULL if malformed. */
uint8_t *base64_decode(const char *text, size_t len, size_t *ret_len);

/* The whole text must be a decimal number in [0, max]: no sign, no space. */
bool number_parse(const char *text, uint64_t max, uint64_t *ret_number);

#endif
