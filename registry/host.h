/*
 * What is known of one registry host: where its requests go, how it is trusted, what it has shown
 * it can do. Internal to registry/. Hosts are made on first use and live as long as the client.
 */
#ifndef CIP_REGISTRY_HOST_H
#define CIP_REGISTRY_HOST_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/once.h"
#include "base/strmap.h"
#include "registry/auth.h"
#include "registry/quirks.h"
#include "registry/registry.h"
#include "registry/trust.h"
#include "registry/warning.h"

/* What a host has shown of several tags in one PUT. */
enum multi_tag {
	MULTI_TAG_UNKNOWN,
	MULTI_TAG_BY_DIGEST, /* refused beside a tag; may take them beside a digest */
	MULTI_TAG_NO,
	MULTI_TAG_YES,
};

/* Whether a host does what not all do; found out on the way, remembered for the run. */
enum ability { ABILITY_UNKNOWN, ABILITY_PROVEN, ABILITY_REFUSED };

/* What a host has shown of the referrers API. */
enum referrers_state {
	REFERRERS_UNKNOWN,
	REFERRERS_NONE,	  /* no such path */
	REFERRERS_LIES,	  /* none, though it says OCI-Subject */
	REFERRERS_API,	  /* it lists */
	REFERRERS_PROVEN, /* and lists what it said OCI-Subject for */
};

struct host {
	char *name;   /* canonical logical host, the key of everything */
	char *origin; /* what its URLs start with: "https://gcr.io", "http://127.0.0.1:5000" */
	char *public_origin;  /* "https://" + name if an endpoint stands in for it, else NULL */
	struct http_tls *tls; /* owned; NULL: system trust */
	struct err *unusable; /* owned; why nothing may be sent to it, NULL: it may */
	struct quirks quirks; /* of the table, with what was configured over it */
	char *token_server;   /* owned; what quirks.token_server points to if it was configured */
	char *quota_group;    /* owned; NULL: each credential has a quota of its own */
	_Atomic unsigned multi_tag;	/* enum multi_tag */
	_Atomic unsigned tags_at_once;	/* it refused more; 0: nothing is known */
	_Atomic unsigned referrers;	/* enum referrers_state */
	_Atomic bool refuses_page_size; /* of a list */
	_Atomic bool google;		/* an answer carried Google's extension */
	struct warnings warnings;	/* under the lock of the writer */
	bool endpoint_gets_credentials;
	struct auth_host *auth; /* owned */
	/* enum ability each: */
	_Atomic int single_post; /* POST with the bytes of a blob stores it */
	_Atomic int self_mount;	 /* a mount from the same repository tells whether it has a blob */
	_Atomic bool in_pieces;	 /* it has refused a whole blob in one request */
};

/* One of the views of a client; what is not theirs alone belongs to the destinations'. */
struct registry {
	struct http *http;
	struct auth *auth;
	enum credential_side side;
	enum http_class quota_class;
	struct registry *writer;  /* the view for destinations */
	struct registry *sources; /* the view for sources; owned by the writer */
	struct registry *signing; /* the view for signing; owned by the writer */
	/* Of the writer only: */
	struct trust_places places; /* read-only */
	pthread_mutex_t lock;
	struct strmap hosts;	   /* of struct host, owned; under the lock */
	struct once *tag_writers;  /* "host/path:tag" of what is being extended */
	struct once *shared_blobs; /* of push.h, by copy_memory_blob_key */
};

/* Never NULL. Any thread. */
struct host *host_get(struct registry *registry, const char *name);

/*
 * The name in fresh memory under which net/ counts what is asked of this host with a credential.
 */
char *host_quota(const struct host *host, unsigned credential_id);

/* False once this host has refused mounts for want of rights. */
bool registry_may_mount(struct registry *registry, const char *host);

/* True if the absolute URL belongs to this registry itself: its endpoint or its logical name. */
bool host_owns_url(const struct host *host, const char *url);

/*
 * The URL to send instead of `url`, in fresh memory, if it names the logical host of a registry
 * that has an endpoint: the path and query at the endpoint. NULL: send it as it is.
 */
char *host_endpoint_url(const struct host *host, const char *url);

#endif
