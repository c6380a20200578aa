// What the store answers at the DFS endpoint: paths deleted whole, made and renamed, and their access
// control.
#include "fixture.hpp"
#include "tools/store/catalog.hpp"
#include "tools/store/volume.hpp"

namespace act::store {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* list = "/box?restype=container&comp=list";

class path_test : public store_test {
protected:
    void SetUp() override {
        hierarchical_ = true;
        start();
        make_container("box");
    }
    void keep_deleted() {
        soft_delete_ = 7;
        restart();
    }
    std::vector<std::string> all(const std::string& more = {}) {
        return names(send("GET", std::string(list) + more).body);
    }
    void put_all(std::initializer_list<const char*> names) {
        for (const char* name : names) ASSERT_EQ(put(std::string("/box/") + name, name).status, 201) << name;
    }
    std::string code_of(const response& r) { return fmt::format("{} {}", r.status, r.code()); }
    response rename(const std::string& from, const std::string& to, header_list headers = {}) {
        headers.emplace_back("x-ms-rename-source", from);
        return send("PUT", to, headers);
    }
    response make(const std::string& target, const header_list& headers = {}) {
        return send("PUT", target + "?resource=directory", headers);
    }
    response access(const std::string& target) { return send("HEAD", target + "?action=getAccessControl"); }
    response set_access(const std::string& target, const header_list& headers) {
        return send("PATCH", target + "?action=setAccessControl", headers);
    }
};

TEST_F(path_test, the_root_folder_has_access_control_too) {
    EXPECT_EQ(access("/box/").headers.get("x-ms-acl"), "user::rwx,group::r-x,other::---");
    EXPECT_EQ(
        set_access("/box/", {{"x-ms-owner", "me"}, {"x-ms-acl", "user::rwx,group::---,other::---"}}).status,
        200);
    // The Data Lake SDK has another name for it.
    for (const char* root : {"/box/", "/box/%2F"}) {
        const auto told = access(root);
        EXPECT_EQ(told.status, 200) << root;
        EXPECT_EQ(told.headers.get("x-ms-owner"), "me") << root;
        EXPECT_EQ(told.headers.get("x-ms-permissions"), "rwx------") << root;
    }
    EXPECT_EQ(code_of(access("/none/")), "404 FilesystemNotFound");
}

TEST_F(path_test, deletes_a_directory_with_all_below_it) {
    put_all({"a/b/c", "a/d", "a-b", "a.c/d", "e"});
    ASSERT_EQ(put_block("/box/a/staged", "1", "x").status, 201);
    const auto refused = send("DELETE", "/box/a?recursive=false");
    EXPECT_EQ(code_of(refused), "409 DirectoryNotEmpty");
    EXPECT_EQ(refused.headers.get("Content-Type"), "application/json;charset=utf-8");
    EXPECT_THAT(refused.body, HasSubstr("{\"error\":{\"code\":\"DirectoryNotEmpty\",\"message\":\""));
    const auto gone = send("DELETE", "/box/a?recursive=true");
    EXPECT_EQ(gone.status, 200) << gone.body;
    EXPECT_EQ(gone.headers.get("x-ms-deletion-id"), "");
    EXPECT_THAT(all("&include=uncommittedblobs"), ElementsAre("a-b", "a.c", "a.c/d", "e"));
    EXPECT_EQ(send("DELETE", "/box/e?recursive=false").status, 200);
    EXPECT_EQ(code_of(send("DELETE", "/box/e?recursive=true")), "404 PathNotFound");
    EXPECT_EQ(code_of(send("DELETE", "/other/e?recursive=true")), "404 FilesystemNotFound");
    EXPECT_EQ(code_of(send("DELETE", "/box/a-b?recursive=maybe")), "400 InvalidQueryParameterValue");
    EXPECT_EQ(code_of(send("DELETE", "/box/a-b?recursive=true", {{"If-Match", "\"0x1\""}})),
              "412 ConditionNotMet");
}

TEST_F(path_test, what_was_deleted_with_its_directory_comes_back_with_it) {
    keep_deleted();
    put_all({"a/b/c", "a/d"});
    ASSERT_EQ(send("DELETE", "/box/a/d").status, 202);
    const auto gone = send("DELETE", "/box/a?recursive=true");
    const std::string id(gone.headers.get("x-ms-deletion-id"));
    ASSERT_NE(id, "");
    EXPECT_THAT(all(), IsEmpty());
    // Of what went with it nothing shows; what had gone before does.
    EXPECT_THAT(all("&showonly=deleted"), ElementsAre("a", "a/d"));
    restart();
    const header_list source = {{"x-ms-undelete-source", "a?deletionid=" + id}};
    EXPECT_EQ(send("PUT", "/box/again?comp=undelete", source).headers.get("x-ms-resource-type"), "directory");
    EXPECT_THAT(all(), ElementsAre("again", "again/b", "again/b/c"));
    EXPECT_EQ(send("GET", "/box/again/b/c").body, "a/b/c");
    EXPECT_EQ(code_of(send("PUT", "/box/more?comp=undelete", source)), "404 BlobNotFound");
    EXPECT_THAT(all("&showonly=deleted"), ElementsAre("a/d"));
}

TEST_F(path_test, goes_through_a_large_directory_in_pages_and_then_deletes_it_whole) {
    put_all({"a/first", "b"});
    {
        // As many as 5,000, without a request for each.
        const auto folder = opened(volume::open(folder_.path() + "/store", name_space::hierarchical));
        ASSERT_TRUE(folder->index().write_now([](writer& w) {
            const auto box = load_container(w, "box");
            const auto found = find(w, table::blobs, box->id, "b");
            blob_record r;
            ASSERT_TRUE(found && decode(*found, r));
            r.content = {};
            r.size = 0;
            const std::string bytes = encode(r);
            for (int i = 0; i < 5000; ++i) save(w, table::blobs, box->id, fmt::format("a/{}", i), {}, bytes);
        }));
    }
    const auto first = send("DELETE", "/box/a?recursive=true&paginated=true");
    EXPECT_EQ(first.status, 200) << first.body;
    const std::string next(first.headers.get("x-ms-continuation"));
    ASSERT_NE(next, "");
    EXPECT_EQ(send("HEAD", "/box/a/0").status, 200) << "it is deleted in the last request";
    EXPECT_EQ(code_of(send("DELETE", "/box/a?recursive=true&paginated=true&continuation=x")),
              "400 InvalidQueryParameterValue");
    const auto last =
        send("DELETE", "/box/a?recursive=true&paginated=true&continuation=" + encode_component(next));
    EXPECT_EQ(last.status, 200) << last.body;
    EXPECT_EQ(last.headers.get("x-ms-continuation"), "");
    EXPECT_THAT(all(), ElementsAre("b"));
}

TEST_F(path_test, makes_directories) {
    EXPECT_EQ(make("/box/a/b", {{"x-ms-properties", "k=" + base64("value")}}).status, 201);
    EXPECT_EQ(send("HEAD", "/box/a/b").headers.get("x-ms-meta-k"), "value");
    EXPECT_EQ(send("HEAD", "/box/a/b").headers.get("x-ms-meta-hdi_isfolder"), "true");
    put_all({"a/b/c"});
    EXPECT_EQ(make("/box/a/b").status, 201) << "it may be there, with something in it";
    EXPECT_THAT(all(), ElementsAre("a", "a/b", "a/b/c"));
    EXPECT_EQ(code_of(make("/box/a/b", {{"If-None-Match", "*"}})), "409 PathAlreadyExists");
    EXPECT_EQ(code_of(make("/box/a/b/c")), "409 PathConflict");
    EXPECT_EQ(code_of(make("/box/a/b/c/d")), "409 PathConflict");
    EXPECT_EQ(code_of(make("/box/x", {{"x-ms-properties", "k"}})), "400 InvalidHeaderValue");
    EXPECT_EQ(code_of(send("PUT", "/box/f?resource=file")), "501 NotImplemented");
}

TEST_F(path_test, renames_files_and_directories) {
    put_all({"a/b/c", "a/d", "e", "old/x", "f%20g"});
    make_container("bin");
    EXPECT_EQ(rename("/box/a", "/box/z").status, 201);
    EXPECT_THAT(all(), ElementsAre("e", "f g", "old", "old/x", "z", "z/b", "z/b/c", "z/d"));
    EXPECT_EQ(send("GET", "/box/z/b/c").body, "a/b/c");
    EXPECT_EQ(send("HEAD", "/box/z").headers.get("x-ms-resource-type"), "directory");
    EXPECT_EQ(rename("/box/f%20g?sig=x", "/box/z/h", {{"x-ms-properties", "k=" + base64("v")}}).status, 201);
    EXPECT_EQ(send("HEAD", "/box/z/h").headers.get("x-ms-meta-k"), "v");
    EXPECT_EQ(rename("/box/e", "/box/z/d").status, 201) << "a file gives way to a file";
    EXPECT_EQ(send("GET", "/box/z/d").body, "e");
    EXPECT_EQ(rename("/box/z/b", "/bin/b").status, 201) << "into another container";
    EXPECT_EQ(send("GET", "/bin/b/c").body, "a/b/c");
    ASSERT_EQ(make("/box/empty").status, 201);
    EXPECT_EQ(rename("/box/old", "/box/empty").status, 201) << "an empty directory gives way to one";
    EXPECT_THAT(all(), ElementsAre("empty", "empty/x", "z", "z/d", "z/h"));

    EXPECT_EQ(code_of(rename("/box/none", "/box/y")), "404 SourcePathNotFound");
    EXPECT_EQ(code_of(rename("/none/none", "/box/y")), "404 SourcePathNotFound");
    EXPECT_EQ(code_of(rename("/box/z", "/box/none/y")), "404 RenameDestinationParentPathNotFound");
    EXPECT_EQ(code_of(rename("/box/empty", "/box/z/d/y")), "409 PathConflict");
    EXPECT_EQ(code_of(rename("/box/empty", "/box/z")), "409 DirectoryNotEmpty");
    EXPECT_EQ(code_of(rename("/box/z/d", "/box/empty")), "409 InvalidSourceOrDestinationResourceType");
    EXPECT_EQ(code_of(rename("/box/z", "/box/z/in/itself")), "409 InvalidDestinationPath");
    EXPECT_EQ(code_of(rename("z", "/box/y")), "400 InvalidHeaderValue");
    EXPECT_EQ(code_of(rename("/box/z/d", "/box/z/h", {{"If-None-Match", "*"}})), "409 PathAlreadyExists");
    EXPECT_EQ(code_of(rename("/box/z/d", "/box/y", {{"x-ms-source-if-match", "\"0x1\""}})),
              "412 SourceConditionNotMet");
}

TEST_F(path_test, what_gives_way_to_a_renamed_file_can_be_brought_back) {
    keep_deleted();
    put_all({"a", "b"});
    ASSERT_EQ(rename("/box/a", "/box/b").status, 201);
    const std::string body = send("GET", std::string(list) + "&showonly=deleted").body;
    EXPECT_THAT(names(body), ElementsAre("b"));
    const std::string source = "b?deletionid=" + text_of(body, "DeletionId");
    EXPECT_EQ(send("PUT", "/box/c?comp=undelete", {{"x-ms-undelete-source", source}}).status, 200);
    EXPECT_EQ(send("GET", "/box/b").body, "a");
    EXPECT_EQ(send("GET", "/box/c").body, "b");
}

TEST_F(path_test, keeps_and_tells_access_control) {
    put_all({"a/b"});
    const auto directory = access("/box/a");
    EXPECT_EQ(directory.status, 200);
    EXPECT_EQ(directory.headers.get("x-ms-owner"), "$superuser");
    EXPECT_EQ(directory.headers.get("x-ms-group"), "$superuser");
    EXPECT_EQ(directory.headers.get("x-ms-permissions"), "rwxr-x---");
    EXPECT_EQ(directory.headers.get("x-ms-acl"), "user::rwx,group::r-x,other::---");
    EXPECT_EQ(access("/box/a/b").headers.get("x-ms-permissions"), "rw-r-----");

    EXPECT_EQ(set_access("/box/a/b", {{"x-ms-owner", "me"}, {"x-ms-permissions", "1750"}}).status, 200);
    EXPECT_EQ(access("/box/a/b").headers.get("x-ms-permissions"), "rwxr-x--T");
    const std::string acl = "user::rw-,user:1-2-3:r-x,group::r--,mask::r-x,other::--x,default:other::---";
    EXPECT_EQ(set_access("/box/a/b", {{"x-ms-group", "us"}, {"x-ms-acl", acl}}).status, 200);
    // It is the path's own: it survives what changes the path otherwise, and goes along.
    ASSERT_EQ(put("/box/a/b", "new").status, 201);
    ASSERT_EQ(send("PUT", "/box/a/b?comp=metadata", {{"x-ms-meta-k", "v"}}).status, 200);
    ASSERT_EQ(rename("/box/a", "/box/z").status, 201);
    restart();
    const auto file = access("/box/z/b");
    EXPECT_EQ(file.headers.get("x-ms-owner"), "me");
    EXPECT_EQ(file.headers.get("x-ms-group"), "us");
    EXPECT_EQ(file.headers.get("x-ms-acl"), acl);
    EXPECT_EQ(file.headers.get("x-ms-permissions"), "rw-r-x--t+") << "the mask's, and that there is more";
    const auto head = send("HEAD", "/box/z/b", {{"x-ms-version", "2023-11-03"}});
    EXPECT_EQ(head.headers.get("x-ms-owner"), "me");
    EXPECT_EQ(head.headers.get("x-ms-acl"), acl);
    EXPECT_EQ(send("HEAD", "/box/z/b").headers.get("x-ms-acl"), "") << "an earlier version";
    const std::string listed = send("GET", std::string(list) + "&include=permissions").body;
    EXPECT_EQ(text_of(listed, "Acl"), "user::rwx,group::r-x,other::---");
    EXPECT_THAT(listed, HasSubstr("<Permissions>rw-r-x--t+</Permissions><Acl>" + acl + "</Acl>"));
    EXPECT_THAT(send("GET", std::string(list) + "&include=permissions&delimiter=%2F").body,
                HasSubstr("<Owner>$superuser</Owner>"));

    EXPECT_EQ(set_access("/box/z/b", {{"x-ms-permissions", "r--rw-r-x"}}).status, 200);
    EXPECT_EQ(access("/box/z/b").headers.get("x-ms-acl"),
              "user::r--,user:1-2-3:r-x,group::r--,mask::rw-,other::r-x,default:other::---");
    for (const char* bad : {"rwx", "0999", "7777", "rwxrwxrwz"})
        EXPECT_EQ(code_of(set_access("/box/z", {{"x-ms-permissions", bad}})), "400 InvalidHeaderValue")
            << bad;
    for (const char* bad :
         {"user::rwx", "user::rwx,group::r-x,other::xxx", "user::rwx,group::rwx,other:me:---"})
        EXPECT_EQ(code_of(set_access("/box/z", {{"x-ms-acl", bad}})), "400 InvalidHeaderValue") << bad;
    EXPECT_EQ(code_of(set_access("/box/none", {{"x-ms-owner", "me"}})), "404 PathNotFound");
    EXPECT_EQ(access("/box/none").status, 404);
}

TEST_F(path_test, a_directory_is_made_with_the_permissions_that_its_umask_leaves) {
    ASSERT_EQ(make("/box/a", {{"x-ms-permissions", "0777"}}).status, 201);
    EXPECT_EQ(access("/box/a").headers.get("x-ms-permissions"), "rwxr-x---");
    ASSERT_EQ(make("/box/b", {{"x-ms-permissions", "rwxrwxrwx"}, {"x-ms-umask", "0057"}}).status, 201);
    EXPECT_EQ(access("/box/b").headers.get("x-ms-permissions"), "rwx-w----");
    EXPECT_EQ(code_of(make("/box/c", {{"x-ms-permissions", "0777"}, {"x-ms-umask", "9"}})),
              "400 InvalidHeaderValue");
}

TEST_F(store_test, a_flat_account_has_no_paths) {
    make_container("box");
    ASSERT_EQ(put("/box/a/b", "x").status, 201);
    const auto got = send("DELETE", "/box/a/b?recursive=true");
    EXPECT_EQ(got.code(), "HierarchicalNamespaceNotEnabled");
    EXPECT_EQ(send("GET", "/box/a/b").body, "x");
}

}  // namespace
}  // namespace act::store
