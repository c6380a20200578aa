// An account with a hierarchical namespace: the order of its listings, its directories, and what it refuses.
#include "fixture.hpp"

namespace act::store {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* list = "/box?restype=container&comp=list";
const header_list folder = {{"x-ms-meta-hdi_isfolder", "true"}};

class hierarchical_test : public store_test {
protected:
    void SetUp() override { begin({}); }
    void begin(std::optional<std::uint32_t> days) {
        stop();
        hierarchical_ = true;
        soft_delete_ = days;
        start();
        if (send("GET", "/box?restype=container").status == 404) make_container("box");
    }

    /// Names of all pages, directories with "(d)" behind; a prefix as it is.
    std::vector<std::string> walk(const std::string& more, bool columns, int page_size = 5000) {
        std::vector<std::string> out;
        std::string marker;
        do {
            const std::string at = marker.empty() ? "" : "&marker=" + encode_component(marker);
            auto page = read_listing(fmt::format("{}&maxresults={}{}{}", list, page_size, more, at), columns);
            EXPECT_LE(page.size(), static_cast<std::size_t>(page_size));
            for (std::size_t i = 0; i < page.size(); ++i) {
                const auto& p = page[i];
                out.push_back(p.name + (p.is_directory && !p.is_prefix ? "(d)" : ""));
            }
            marker = page.next_marker;
        } while (!marker.empty() && out.size() < 1000);
        return out;
    }
    void expect_walk(const std::string& more, const std::vector<std::string>& expected) {
        for (const bool columns : {false, true}) {
            for (int size = 1; size <= static_cast<int>(expected.size()) + 1; ++size) {
                EXPECT_THAT(walk(more, columns, size), ElementsAreArray(expected))
                    << more << (columns ? " in columns" : " in xml") << " by " << size;
            }
        }
    }
    std::string code_of(const response& r) { return fmt::format("{} {}", r.status, r.code()); }
    void put_all(std::initializer_list<const char*> names) {
        for (const char* name : names) ASSERT_EQ(put(std::string("/box/") + name, "x").status, 201) << name;
    }
};

TEST_F(hierarchical_test, lists_a_directory_and_all_below_it_before_what_follows) {
    // Azure/azure-sdk-for-go issue 24210.
    put_all({"AB.txt", "ABC", "A-B-C", "AB/AB", "A/dat1", "A.C/dat3", "A-B/dat2"});
    const std::vector<std::string> all = {"A(d)",     "A/dat1", "A-B(d)", "A-B/dat2", "A-B-C", "A.C(d)",
                                          "A.C/dat3", "AB(d)",  "AB/AB",  "AB.txt",   "ABC"};
    expect_walk("", all);
    expect_walk("&delimiter=%2F", {"A/", "A-B/", "A-B-C", "A.C/", "AB/", "AB.txt", "ABC"});
    expect_walk("&prefix=A-", {"A-B(d)", "A-B/dat2", "A-B-C"});
    expect_walk("&prefix=A-&delimiter=%2F", {"A-B/", "A-B-C"});
    expect_walk("&prefix=A%2F", {"A/dat1"});
    expect_walk("&prefix=A%2F&delimiter=%2F", {"A/dat1"});
    expect_walk("&prefix=AB", {"AB(d)", "AB/AB", "AB.txt", "ABC"});
    expect_walk("&prefix=A%2Fx", {});
    // From any of the names on, whether it is there or not.
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::string name = all[i].substr(0, all[i].find('('));
        expect_walk("&startFrom=" + encode_component(name), {all.begin() + static_cast<long>(i), all.end()});
    }
    expect_walk("&startFrom=A%2Fz", {all.begin() + 2, all.end()});
    expect_walk("&startFrom=A%20&prefix=A", {all.begin() + 2, all.end()});
    restart();
    expect_walk("", all);
}

TEST_F(hierarchical_test, orders_long_names_and_bytes_around_the_slash_alike) {
    // Longer than a key of the index, whose rest is ordered apart.
    const std::string root(490, 'r');
    for (const char* name : {"/x", ".", "0", "-/a/b"})
        ASSERT_EQ(put("/box/" + root + name, "x").status, 201) << name;
    put_all({"%21/x", "~/b%20c/d", "~.", "~0", "%C3%A9/x", "%C3%A9."});
    expect_walk("", {"!(d)", "!/x", root + "(d)", root + "/x", root + "-(d)", root + "-/a(d)", root + "-/a/b",
                     root + ".", root + "0", "~(d)", "~/b c(d)", "~/b c/d", "~.", "~0", "\xc3\xa9(d)",
                     "\xc3\xa9/x", "\xc3\xa9."});
    expect_walk("&delimiter=%2F&prefix=" + root, {root + "/", root + "-/", root + ".", root + "0"});
}

TEST_F(hierarchical_test, tells_what_it_is) {
    for (const char* target : {"/?restype=account&comp=properties", "/box?restype=account&comp=properties"})
        EXPECT_EQ(send("GET", target).headers.get("x-ms-is-hns-enabled"), "true") << target;
}

TEST_F(hierarchical_test, makes_the_directories_above_what_is_written) {
    put_all({"a/b/c"});
    const std::string body = send("GET", std::string(list) + "&include=metadata").body;
    EXPECT_THAT(names(body), ElementsAre("a", "a/b", "a/b/c"));
    const std::string first = text_of(body, "Blob");
    EXPECT_EQ(text_of(first, "ResourceType"), "directory");
    EXPECT_EQ(text_of(first, "Content-Length"), "0");
    EXPECT_EQ(text_of(first, "hdi_isfolder"), "true");
    EXPECT_EQ(text_of(body.substr(body.find("a/b/c")), "ResourceType"), "file");
    expect_same_in_columns(std::string(list) + "&include=metadata");
    // An old version does not know of it.
    EXPECT_THAT(send("GET", list, {{"x-ms-version", "2020-08-04"}}).body, Not(HasSubstr("ResourceType")));

    for (const char* name : {"/box/a/b", "/box/a/b/", "/box//a//b"}) {
        const auto head = send("HEAD", name);
        EXPECT_EQ(head.status, 200) << name;
        EXPECT_EQ(head.headers.get("x-ms-resource-type"), "directory");
        EXPECT_EQ(head.headers.get("x-ms-meta-hdi_isfolder"), "true");
    }
    EXPECT_EQ(send("HEAD", "/box/a/b/c").headers.get("x-ms-resource-type"), "file");
    EXPECT_EQ(send("GET", "/box/a").body, "");

    // However it is written.
    ASSERT_EQ(put_block("/box/p/q", "1", "x").status, 201);
    EXPECT_EQ(send("HEAD", "/box/p").status, 404) << "nothing is there yet";
    ASSERT_EQ(send("PUT", "/box/p/q?comp=blocklist", {},
                   "<BlockList><Latest>" + base64("1") + "</Latest></BlockList>")
                  .status,
              201);
    ASSERT_EQ(send("PUT", "/box/s/t", {{"x-ms-copy-source", store_->endpoint() + "/box/a/b/c"}}).status, 202);
    ASSERT_EQ(send("PUT", "/box/v/w", {{"x-ms-blob-type", "AppendBlob"}}).status, 201);
    for (const char* name : {"/box/p", "/box/s", "/box/v"})
        EXPECT_EQ(send("HEAD", name).headers.get("x-ms-resource-type"), "directory") << name;
}

TEST_F(hierarchical_test, tells_the_properties_of_a_directory_with_its_prefix) {
    put_all({"a/b"});
    const auto head = send("HEAD", "/box/a");
    const std::string body = send("GET", std::string(list) + "&delimiter=%2F").body;
    const std::string prefix = text_of(body, "BlobPrefix");
    EXPECT_EQ(text_of(prefix, "Name"), "a/");
    EXPECT_EQ('"' + text_of(prefix, "Etag") + '"', head.headers.get("ETag"));
    EXPECT_EQ(text_of(prefix, "Last-Modified"), head.headers.get("Last-Modified"));
    EXPECT_EQ(text_of(prefix, "Creation-Time"), head.headers.get("x-ms-creation-time"));
    EXPECT_EQ(text_of(prefix, "ResourceType"), "directory");
    EXPECT_EQ(text_of(prefix, "Content-Length"), "0");
    EXPECT_THAT(body, Not(HasSubstr("<Blob>")));
    EXPECT_EQ(code_of(send("GET", std::string(list) + "&delimiter=-")), "400 InvalidQueryParameterValue");
}

TEST_F(hierarchical_test, shows_files_or_directories_alone) {
    put_all({"a/b/c", "a/d", "e"});
    expect_walk("&showonly=files", {"a/b/c", "a/d", "e"});
    expect_walk("&showonly=directories", {"a(d)", "a/b(d)"});
    expect_walk("&showonly=files&delimiter=%2F", {"e"});
    expect_walk("&showonly=directories&delimiter=%2F", {"a/"});
    expect_walk("&showonly=files&delimiter=%2F&prefix=a%2F", {"a/d"});
    EXPECT_EQ(code_of(send("GET", std::string(list) + "&showonly=links")), "400 InvalidQueryParameterValue");
}

TEST_F(hierarchical_test, an_entry_looks_in_company_as_it_does_alone) {
    // Listings write once what neighbours have in common; one that is passed over is no neighbour.
    ASSERT_EQ(put("/box/a", "x", {{"x-ms-blob-content-type", "text/plain"}}).status, 201);
    put_all({"b/c"});
    ASSERT_EQ(put("/box/d", "x", {{"x-ms-blob-content-type", "text/plain"}}).status, 201);
    ASSERT_EQ(put("/box/e", "", folder).status, 201);
    ASSERT_EQ(put("/box/f", "").status, 201);
    for (const char* more : {"", "&showonly=files", "&showonly=directories"}) {
        const std::string target = std::string(list) + more;
        expect_same_in_columns(target);
        auto together = read_listing(target, false);
        for (std::size_t i = 0; i < together.size(); ++i) {
            const std::string name = together[i].name;
            auto alone = read_listing(target + "&maxresults=1&startFrom=" + encode_component(name), false);
            EXPECT_EQ(show(together[i]), show(alone[0])) << name;
        }
    }
}

TEST_F(hierarchical_test, a_folder_mark_makes_or_keeps_a_directory) {
    ASSERT_EQ(put("/box/a/b", "", folder).status, 201);
    ASSERT_EQ(put("/box/a/b/c", "x").status, 201);
    header_list named = folder;
    named.emplace_back("x-ms-meta-owner", "me");
    ASSERT_EQ(put("/box/a/b", "", named).status, 201);
    EXPECT_EQ(send("HEAD", "/box/a/b").headers.get("x-ms-meta-owner"), "me");
    EXPECT_EQ(send("GET", "/box/a/b/c").body, "x");
    EXPECT_EQ(code_of(put("/box/z", "content", folder)), "400 InvalidHeaderValue");

    // It stays one, whatever its metadata, and a file stays a file.
    ASSERT_EQ(send("PUT", "/box/a/b?comp=metadata", {{"x-ms-meta-k", "v"}}).status, 200);
    const auto head = send("HEAD", "/box/a/b");
    EXPECT_EQ(head.headers.get("x-ms-meta-hdi_isfolder"), "true");
    EXPECT_EQ(head.headers.get("x-ms-meta-k"), "v");
    EXPECT_EQ(head.headers.get("x-ms-resource-type"), "directory");
    EXPECT_EQ(code_of(send("PUT", "/box/a/b/c?comp=metadata", folder)), "409 ResourceTypeMismatch");
}

TEST_F(hierarchical_test, refuses_a_file_and_a_directory_in_one_place) {
    put_all({"dir/file"});
    EXPECT_EQ(code_of(put("/box/dir", "x")), "409 ResourceTypeMismatch");
    EXPECT_EQ(code_of(put("/box/dir/", "x")), "409 ResourceTypeMismatch");
    EXPECT_EQ(code_of(put("/box/dir/file", "", folder)), "409 ResourceTypeMismatch");
    EXPECT_EQ(code_of(put("/box/dir/file/x", "x")), "409 PathConflict");
    EXPECT_EQ(code_of(put("/box/dir/file/x/y/z", "", folder)), "409 PathConflict");
    EXPECT_EQ(code_of(put_block("/box/dir", "1", "x")), "409 ResourceTypeMismatch");
    EXPECT_EQ(code_of(put_block("/box/dir/file/x", "1", "x")), "409 PathConflict");
    EXPECT_EQ(code_of(send("PUT", "/box/dir?comp=blocklist", {}, "<BlockList></BlockList>")),
              "409 ResourceTypeMismatch");
    const std::string file = store_->endpoint() + "/box/dir/file", dir = store_->endpoint() + "/box/dir";
    EXPECT_EQ(code_of(send("PUT", "/box/dir", {{"x-ms-copy-source", file}})), "409 ResourceTypeMismatch");
    EXPECT_EQ(code_of(send("PUT", "/box/new", {{"x-ms-copy-source", dir}})),
              "400 OperationNotSupportedOnDirectory");
    EXPECT_EQ(code_of(put("/box/dir", "x", {{"If-None-Match", "*"}})), "409 BlobAlreadyExists");
    EXPECT_EQ(code_of(send("GET", std::string(list) + "&prefix=dir%2Ffile%2F")), "409 PathConflict");
    EXPECT_THAT(walk("", false), ElementsAre("dir(d)", "dir/file"));
}

TEST_F(hierarchical_test, deletes_empty_directories_alone) {
    put_all({"a/b/c"});
    EXPECT_EQ(code_of(send("DELETE", "/box/a")), "409 DirectoryIsNotEmpty");
    EXPECT_EQ(code_of(send("DELETE", "/box/a/b/")), "409 DirectoryIsNotEmpty");
    EXPECT_EQ(send("DELETE", "/box/a/b/c", {{"x-ms-delete-snapshots", "include"}}).status, 202);
    EXPECT_THAT(walk("", false), ElementsAre("a(d)", "a/b(d)")) << "directories stay";
    // Azure/azure-storage-fuse issue 1068.
    EXPECT_EQ(code_of(send("DELETE", "/box/a/b", {{"x-ms-delete-snapshots", "include"}})),
              "400 OperationNotSupportedOnDirectory");
    EXPECT_EQ(send("DELETE", "/box/a/b").status, 202);
    EXPECT_EQ(send("DELETE", "/box/a/").status, 202);
    EXPECT_THAT(walk("", false), IsEmpty());
}

TEST_F(hierarchical_test, a_batch_follows_the_same_rules) {
    put_all({"a/b", "c/d"});
    std::string body;
    const char* targets[] = {"/box/a", "/box/a/b", "/box/a/", "/box/c"};
    for (int i = 0; i < 4; ++i) {
        body += fmt::format(
            "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: "
            "{}\r\n\r\nDELETE /{}{} HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            i, emulator_account, targets[i]);
    }
    body += "--b--\r\n";
    const auto got = send("POST", "/?comp=batch", {{"Content-Type", "multipart/mixed; boundary=b"}}, body);
    ASSERT_EQ(got.status, 202) << got.body;
    const std::size_t refused = got.body.find("DirectoryIsNotEmpty");
    EXPECT_LT(refused, got.body.find("HTTP/1.1 202"));
    EXPECT_THAT(walk("", false), ElementsAre("c(d)", "c/d")) << got.body;
}

TEST_F(hierarchical_test, refuses_what_such_accounts_do_not_have) {
    put_all({"a"});
    const std::string refused = "409 FeatureNotYetSupportedForHierarchicalNamespaceAccounts";
    EXPECT_EQ(code_of(send("PUT", "/box/a?comp=snapshot")), refused);
    EXPECT_EQ(code_of(send("GET", "/box/a?comp=tags")), refused);
    EXPECT_EQ(code_of(send("PUT", "/box/a?comp=tags", {}, "<Tags><TagSet /></Tags>")), refused);
    EXPECT_EQ(code_of(put("/box/b", "x", {{"x-ms-tags", "k=v"}})), refused);
    EXPECT_EQ(code_of(send("GET", "/?comp=blobs&where=k%3D%27v%27")), refused);
    EXPECT_EQ(
        code_of(send("PUT", "/box/p", {{"x-ms-blob-type", "PageBlob"}, {"x-ms-blob-content-length", "512"}})),
        refused);
    ASSERT_EQ(put("/box/d", "", folder).status, 201);
    EXPECT_EQ(code_of(send("PUT", "/box/d?comp=tier", {{"x-ms-access-tier", "Cool"}})),
              "400 OperationNotSupportedOnDirectory");
    EXPECT_THAT(walk("", false), ElementsAre("a", "d(d)"));
}

TEST_F(hierarchical_test, a_deleted_path_is_listed_by_its_deletion_and_comes_back_by_it) {
    begin(7);
    put_all({"a/b"});
    ASSERT_EQ(put("/box/a/b", "two").status, 201);
    ASSERT_EQ(send("DELETE", "/box/a/b").status, 202);
    ASSERT_EQ(put("/box/a/b", "three").status, 201);
    ASSERT_EQ(send("DELETE", "/box/a/b").headers.get("x-ms-delete-type-permanent"), "false");
    ASSERT_EQ(send("DELETE", "/box/a").status, 202);
    EXPECT_THAT(walk("", false), IsEmpty());
    expect_walk("&include=deleted", {"a(d)", "a/b", "a/b"});
    expect_walk("&showonly=deleted", {"a(d)", "a/b", "a/b"});
    expect_same_in_columns(std::string(list) + "&showonly=deleted");

    const std::string body = send("GET", std::string(list) + "&showonly=deleted").body;
    std::vector<std::string> ids;
    for (std::size_t at = 0; (at = body.find("<DeletionId>", at)) != std::string::npos; at += 12)
        ids.push_back(text_of(body.substr(at), "DeletionId"));
    ASSERT_EQ(ids.size(), 3u) << body;
    EXPECT_NE(ids[1], ids[2]);
    EXPECT_EQ(text_of(body, "RemainingRetentionDays"), "6");

    const auto undelete = [&](const std::string& to, const std::string& from, const std::string& id) {
        return send("PUT", to + "?comp=undelete", {{"x-ms-undelete-source", from + "?deletionid=" + id}});
    };
    EXPECT_EQ(code_of(undelete("/box/a/b", "a/b", ids[1])), "404 PathNotFound") << "its directory first";
    const auto directory = undelete("/box/a", "a", ids[0]);
    EXPECT_EQ(directory.status, 200) << directory.body;
    EXPECT_EQ(directory.headers.get("x-ms-resource-type"), "directory");
    EXPECT_EQ(code_of(undelete("/box/a/b", "a/b", "1")), "404 BlobNotFound");
    EXPECT_EQ(undelete("/box/a/b", "a%2Fb", ids[1]).headers.get("x-ms-resource-type"), "file");
    EXPECT_EQ(send("GET", "/box/a/b").body, "two");
    EXPECT_EQ(code_of(undelete("/box/a/b", "a/b", ids[2])), "409 PathAlreadyExists");
    restart();
    EXPECT_EQ(undelete("/box/a/other", "/a/b", ids[2]).status, 200);
    EXPECT_EQ(send("GET", "/box/a/other").body, "three");
    EXPECT_EQ(code_of(send("PUT", "/box/a/b?comp=undelete")), "400 MissingRequiredHeader");
    expect_walk("&include=deleted", {"a(d)", "a/b", "a/other"});
}

TEST_F(hierarchical_test, a_folder_stays_of_the_kind_that_it_was_made_as) {
    stop();
    const auto open = [&](const char* root, bool hierarchical) {
        options o;
        o.root = folder_.path() + root;
        o.listen = "127.0.0.1:0";
        o.hierarchical = hierarchical;
        store other(run_, o);
        const auto started = other.start();
        if (started) run_.run(other.stop());
        return started ? std::string() : started.error().describe() + ": " + started.error().advice();
    };
    EXPECT_THAT(open("/store", false), HasSubstr("has a hierarchical namespace"));
    EXPECT_THAT(open("/store", false), HasSubstr("serve it with --hierarchical"));
    EXPECT_EQ(open("/store", true), "");
    EXPECT_EQ(open("/flat", false), "");
    EXPECT_THAT(open("/flat", true), HasSubstr("has a flat namespace"));
    // Also while it is open.
    start();
    EXPECT_THAT(open("/store", false), HasSubstr("has a hierarchical namespace"));
    stop();
    versioning_ = true;
    options o;
    o.root = folder_.path() + "/store";
    o.listen = "127.0.0.1:0";
    o.hierarchical = o.versioning.emplace(true);
    store versioned(run_, o);
    EXPECT_THAT(versioned.start().error().describe(), HasSubstr("keeps no versions"));
}

TEST_F(store_test, a_flat_account_has_no_directories) {
    make_container("box");
    ASSERT_EQ(put("/box/a/b", "x").status, 201);
    ASSERT_EQ(put("/box/a", "y").status, 201);
    EXPECT_EQ(send("HEAD", "/box/a").headers.get("x-ms-resource-type"), "");
    EXPECT_EQ(send("GET", "/?restype=account&comp=properties").headers.get("x-ms-is-hns-enabled"), "false");
    const std::string body = send("GET", std::string(list) + "&include=metadata&delimiter=%2F").body;
    EXPECT_THAT(names(body), ElementsAre("a", "a/"));
    EXPECT_THAT(body, Not(HasSubstr("ResourceType")));
    EXPECT_THAT(text_of(body, "BlobPrefix"), Not(HasSubstr("Properties")));
}

}  // namespace
}  // namespace act::store
