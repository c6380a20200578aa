#include "transfer/blob/encryption.hpp"

#include <gmock/gmock.h>

#include "engine/core/log.hpp"

namespace act::blob {
namespace {

using testing::HasSubstr;
using testing::Not;

// 32 times 'k', and what `openssl dgst -sha256 -binary | base64` makes of it.
constexpr const char* key_text = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";
constexpr const char* key_sum = "XjGPjPnL4kmjCBK4yhMtaR3tepGZFBNVjbV1hXX14B8=";

TEST(encryption, key_knows_its_hash_and_its_headers) {
    const auto key = customer_key::read(secret(key_text));
    ASSERT_TRUE(key) << key.error().describe();
    EXPECT_EQ((*key)->sha256(), key_sum);
    EXPECT_TRUE(customer_key::read(secret(key_text), key_sum));
    http::fields f;
    (*key)->add_to(f);
    (*key)->add_as_source_to(f);
    EXPECT_EQ(f.get("x-ms-encryption-key"), key_text);
    EXPECT_EQ(f.get("x-ms-encryption-key-sha256"), key_sum);
    EXPECT_EQ(f.get("x-ms-encryption-algorithm"), "AES256");
    EXPECT_EQ(f.get("x-ms-source-encryption-key"), key_text);
    EXPECT_EQ(f.get("x-ms-source-encryption-key-sha256"), key_sum);
    EXPECT_EQ(f.get("x-ms-source-encryption-algorithm"), "AES256");
    customer_key::remove_from(f);
    EXPECT_EQ(f.size(), 3u);
}

TEST(encryption, wrong_keys_are_refused_without_being_shown) {
    for (const char* text :
         {"", "c2hvcnQ=", "not base64 at all!", "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr"}) {
        const auto key = customer_key::read(secret(text));
        ASSERT_FALSE(key) << text;
        EXPECT_EQ(key.error().kind(), kind::configuration);
        if (*text) EXPECT_THAT(key.error().describe(), Not(HasSubstr(text)));
    }
    const auto other = customer_key::read(secret(key_text), "c29tZXRoaW5nIGVsc2U=");
    ASSERT_FALSE(other);
    EXPECT_THAT(other.error().message(), HasSubstr("SHA-256"));
}

TEST(encryption, scopes_have_names_that_the_service_takes) {
    for (const char* name : {"lab", "a-1", "$account-encryption-key"}) EXPECT_TRUE(check_scope(name)) << name;
    EXPECT_TRUE(check_scope(std::string(63, 'a')));
    for (const char* name : {"", "ab", "Lab", "a--b", "-ab", "ab-", "a_b", "a b"})
        EXPECT_FALSE(check_scope(name)) << name;
    EXPECT_FALSE(check_scope(std::string(64, 'a')));
}

TEST(encryption, a_key_that_the_service_repeats_is_hidden) {
    for (const char* before :
         {"x-ms-encryption-key:", "x-ms-source-encryption-key: ", "CPK_ENCRYPTION_KEY=", "customer_key: "}) {
        const std::string line =
            redact("PUT " + std::string(before) + key_text + " x-ms-encryption-key-sha256:S");
        EXPECT_THAT(line, Not(HasSubstr(key_text)));
        EXPECT_THAT(line, HasSubstr("x-ms-encryption-key-sha256:S"));
    }
}

}  // namespace
}  // namespace act::blob
