#include "transfer/blob/blob_url.hpp"

#include <gtest/gtest.h>

namespace act::blob {
namespace {

TEST(blob_url, tells_account_container_and_path) {
    const struct {
        const char *url, *account, *endpoint, *container, *path;
    } cases[] = {
        {"https://acc.blob.core.windows.net/con", "acc", "https://acc.blob.core.windows.net", "con", ""},
        {"https://acc.blob.core.windows.net/con/a%20b/c/?sv=1&sig=x", "acc",
         "https://acc.blob.core.windows.net", "con", "a b/c"},
        {"http://127.0.0.1:10000/devstoreaccount1/con/x", "devstoreaccount1",
         "http://127.0.0.1:10000/devstoreaccount1", "con", "x"},
        {"http://[::1]:10000/acc/con/x/y", "acc", "http://[::1]:10000/acc", "con", "x/y"},
        {"http://azurite:10000/acc/con", "acc", "http://azurite:10000/acc", "con", ""},
    };
    for (const auto& c : cases) {
        auto got = split_url(*parse_uri(c.url));
        ASSERT_TRUE(got) << c.url << ": " << got.error().message();
        EXPECT_EQ(got->account, c.account) << c.url;
        EXPECT_EQ(got->endpoint.str(), c.endpoint) << c.url;
        EXPECT_EQ(got->container, c.container) << c.url;
        EXPECT_EQ(got->path, c.path) << c.url;
    }
}

TEST(blob_url, refuses_what_names_no_container_and_never_tells_the_query) {
    for (const char* url :
         {"https://acc.blob.core.windows.net/?sig=hidden", "http://127.0.0.1:1/acc?sig=hidden",
          "http://127.0.0.1:1/?sig=hidden", "https://acc.blob.core.windows.net/UPPER/x?sig=hidden"}) {
        auto got = split_url(*parse_uri(url));
        ASSERT_FALSE(got) << url;
        EXPECT_EQ(got.error().message().find("hidden"), std::string::npos) << url;
    }
}

}  // namespace
}  // namespace act::blob
