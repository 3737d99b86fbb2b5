/*
 * JSON is where secrets come in: files of credentials, tokens, what helpers say. With this, whatever
 * jansson frees in this process is overwritten first. For whoever reads secrets.
 */
#ifndef CIP_REGISTRY_JSON_WIPE_H
#define CIP_REGISTRY_JSON_WIPE_H

/*
 * Said once or more, before a secret is read. Memory that jansson has got before may be freed
 * afterwards; no other thread may be inside of jansson at the first call.
 */
void json_wipe_install(void);

#endif
