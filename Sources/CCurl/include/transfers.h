#pragma once
#include <arpa/inet.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// What Swift can't call as it stands: curl's variadic functions, and unions.

typedef size_t (*ledger_curl_io)(char *bytes, size_t size, size_t count, void *context);
typedef curl_socket_t (*ledger_curl_opener)(
    void *context, curlsocktype purpose, struct curl_sockaddr *address);

// libcurl is loaded when something is to be sent, and not when a program starts: with the thirty
// libraries that it needs itself it takes longer to load than a program takes for all else.

#define LEDGER_CURL_FUNCTIONS(DO)                                                              \
  DO(global_init) DO(slist_append) DO(slist_free_all)                                          \
  DO(easy_init) DO(easy_cleanup) DO(easy_reset) DO(easy_perform) DO(easy_setopt) DO(easy_getinfo) \
  DO(multi_init) DO(multi_cleanup) DO(multi_setopt) DO(multi_add_handle) DO(multi_remove_handle) \
  DO(multi_perform) DO(multi_poll) DO(multi_wakeup) DO(multi_info_read)

extern struct ledger_curl_functions {
#define LEDGER_CURL_POINTER(name) __typeof__(&curl_##name) name;
  LEDGER_CURL_FUNCTIONS(LEDGER_CURL_POINTER)
#undef LEDGER_CURL_POINTER
} ledger_curl;

// To be called once before anything else, and before there is a second thread. False where there is
// no such library, or it doesn't start.
bool ledger_curl_start(void);

static inline struct curl_slist *ledger_curl_slist_append(
    struct curl_slist *list, const char *text) {
  return ledger_curl.slist_append(list, text);
}

static inline void ledger_curl_slist_free_all(struct curl_slist *list) {
  ledger_curl.slist_free_all(list);
}

static inline CURL *ledger_curl_easy_init(void) { return ledger_curl.easy_init(); }
static inline void ledger_curl_easy_cleanup(CURL *handle) { ledger_curl.easy_cleanup(handle); }
static inline void ledger_curl_easy_reset(CURL *handle) { ledger_curl.easy_reset(handle); }
static inline CURLcode ledger_curl_easy_perform(CURL *handle) {
  return ledger_curl.easy_perform(handle);
}

static inline CURLM *ledger_curl_multi_init(void) { return ledger_curl.multi_init(); }
static inline void ledger_curl_multi_cleanup(CURLM *multi) { ledger_curl.multi_cleanup(multi); }
static inline void ledger_curl_multi_wakeup(CURLM *multi) { ledger_curl.multi_wakeup(multi); }

static inline CURLMcode ledger_curl_multi_add_handle(CURLM *multi, CURL *handle) {
  return ledger_curl.multi_add_handle(multi, handle);
}

static inline CURLMcode ledger_curl_multi_remove_handle(CURLM *multi, CURL *handle) {
  return ledger_curl.multi_remove_handle(multi, handle);
}

static inline CURLMcode ledger_curl_multi_perform(CURLM *multi, int *running) {
  return ledger_curl.multi_perform(multi, running);
}

static inline CURLMcode ledger_curl_multi_poll(
    CURLM *multi, struct curl_waitfd *others, unsigned count, int milliseconds, int *ready) {
  return ledger_curl.multi_poll(multi, others, count, milliseconds, ready);
}

static inline CURLcode ledger_curl_set_long(CURL *handle, CURLoption option, long value) {
  return ledger_curl.easy_setopt(handle, option, value);
}

// curl keeps a copy of the text, but not of one for CURLOPT_POSTFIELDS.
static inline CURLcode ledger_curl_set_text(CURL *handle, CURLoption option, const char *text) {
  return ledger_curl.easy_setopt(handle, option, text);
}

static inline CURLcode ledger_curl_set_pointer(CURL *handle, CURLoption option, void *pointer) {
  return ledger_curl.easy_setopt(handle, option, pointer);
}

static inline CURLcode ledger_curl_set_list(
    CURL *handle, CURLoption option, struct curl_slist *list) {
  return ledger_curl.easy_setopt(handle, option, list);
}

static inline CURLcode ledger_curl_set_io(CURL *handle, CURLoption option, ledger_curl_io call) {
  return ledger_curl.easy_setopt(handle, option, call);
}

static inline CURLcode ledger_curl_set_opener(CURL *handle, ledger_curl_opener call) {
  return ledger_curl.easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, call);
}

// Allows one scheme, or two. Before 7.85 (Ubuntu 22.04) curl takes them as bits.
static inline CURLcode ledger_curl_allow_schemes(CURL *handle, const char *schemes) {
#if LIBCURL_VERSION_NUM >= 0x075500
  return ledger_curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, schemes);
#else
  long bits = 0;
  if (strcmp(schemes, "smtp") == 0) bits = CURLPROTO_SMTP;
  if (strcmp(schemes, "smtps") == 0) bits = CURLPROTO_SMTPS;
  if (strcmp(schemes, "https") == 0) bits = CURLPROTO_HTTPS;
  if (strcmp(schemes, "http,https") == 0) bits = CURLPROTO_HTTP | CURLPROTO_HTTPS;
  return ledger_curl.easy_setopt(handle, CURLOPT_PROTOCOLS, bits);
#endif
}

static inline long ledger_curl_get_long(CURL *handle, CURLINFO info) {
  long value = 0;
  ledger_curl.easy_getinfo(handle, info, &value);
  return value;
}

// Seconds that the server asks to wait, by Retry-After; 0 where it doesn't.
static inline long long ledger_curl_retry_after(CURL *handle) {
  curl_off_t value = 0;
  ledger_curl.easy_getinfo(handle, CURLINFO_RETRY_AFTER, &value);
  return (long long)value;
}

static inline CURLMcode ledger_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
  return ledger_curl.multi_setopt(multi, option, value);
}

// The next transfer that has ended and what it ended with, or NULL.
static inline CURL *ledger_curl_next_done(CURLM *multi, CURLcode *result) {
  int left = 0;
  struct CURLMsg *message;
  while ((message = ledger_curl.multi_info_read(multi, &left)) != NULL) {
    if (message->msg != CURLMSG_DONE) continue;
    *result = message->data.result;
    return message->easy_handle;
  }
  return NULL;
}

// The bytes of the address that a connection is about to go to: 4, 16, or 0 where it is neither
// IPv4 nor IPv6.
static inline int ledger_curl_address(struct curl_sockaddr *address, unsigned char bytes[16]) {
  if (address->family == AF_INET) {
    memcpy(bytes, &((struct sockaddr_in *)&address->addr)->sin_addr, 4);
    return 4;
  }
  if (address->family == AF_INET6) {
    memcpy(bytes, &((struct sockaddr_in6 *)&address->addr)->sin6_addr, 16);
    return 16;
  }
  return 0;
}

// Opens the socket as curl would, but so that no program that is started later inherits it.
static inline curl_socket_t ledger_curl_open_socket(struct curl_sockaddr *address) {
  int number = socket(address->family, address->socktype, address->protocol);
  if (number >= 0) fcntl(number, F_SETFD, FD_CLOEXEC);
  return number;
}

// The bytes of an address as text spells it: 4, 16, or 0 where it is none.
static inline int ledger_parse_address(const char *text, unsigned char bytes[16]) {
  if (inet_pton(AF_INET, text, bytes) == 1) return 4;
  if (inet_pton(AF_INET6, text, bytes) == 1) return 16;
  return 0;
}
