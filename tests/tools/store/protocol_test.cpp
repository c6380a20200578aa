#include <set>
#include <thread>

#include "fixture.hpp"

namespace act::store {
namespace {

class protocol_test : public store_test {
protected:
    void SetUp() override {
        store_test::SetUp();
        make_container("box");
    }
};

TEST_F(protocol_test, a_blob_comes_back_with_all_that_was_said_of_it) {
    const auto made = put("/box/a%20b", "hello",
                          {{"x-ms-blob-content-type", "text/plain"},
                           {"x-ms-blob-cache-control", "no-cache"},
                           {"x-ms-meta-Key", "v 1"},
                           {"x-ms-tags", "a=b&c=d"},
                           {"x-ms-access-tier", "Cool"},
                           {"x-ms-client-request-id", "mine"}});
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.headers.get("Content-MD5"), "XUFAKrxLKna5cZ2REBfFkg==");
    EXPECT_EQ(made.headers.get("x-ms-client-request-id"), "mine");
    EXPECT_EQ(made.headers.get("x-ms-version"), "2021-12-02");
    for (const char* method : {"GET", "HEAD"}) {
        const auto got = send(method, "/box/a%20b");
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.body, method[0] == 'G' ? "hello" : "");
        EXPECT_EQ(got.headers.get("Content-Length"), "5");
        EXPECT_EQ(got.headers.get("Content-Type"), "text/plain");
        EXPECT_EQ(got.headers.get("Cache-Control"), "no-cache");
        EXPECT_EQ(got.headers.get("x-ms-meta-key"), "v 1");
        EXPECT_EQ(got.headers.get("ETag"), made.headers.get("ETag"));
        EXPECT_EQ(got.headers.get("x-ms-tag-count"), "2");
        EXPECT_EQ(got.headers.get("Content-MD5"), "XUFAKrxLKna5cZ2REBfFkg==");
        EXPECT_EQ(got.headers.get("x-ms-blob-type"), "BlockBlob");
    }
    EXPECT_EQ(send("HEAD", "/box/a%20b").headers.get("x-ms-access-tier"), "Cool");
    EXPECT_EQ(send("DELETE", "/box/a%20b").status, 202);
    const auto gone = send("GET", "/box/a%20b");
    EXPECT_EQ(gone.status, 404);
    EXPECT_EQ(gone.code(), "BlobNotFound");
    EXPECT_EQ(text_of(gone.body, "Code"), "BlobNotFound");
    EXPECT_EQ(send("HEAD", "/box/a%20b").code(), "BlobNotFound");
    EXPECT_EQ(send("GET", "/nowhere/x").code(), "ContainerNotFound");
}

// Both sides of the border between pieces in the index and files, and of the tiles.
TEST_F(protocol_test, contents_of_all_sizes_survive_a_restart) {
    const std::size_t sizes[] = {0, 1, 4096, 32 * 1024, 32 * 1024 + 1, 256 * 1024, 256 * 1024 + 1, 5'000'000};
    for (std::size_t size : sizes)
        ASSERT_EQ(put(fmt::format("/box/{}", size), noise(size, size)).status, 201);
    EXPECT_EQ(data_files(folder_.path() + "/store"), 4u);
    restart();
    for (std::size_t size : sizes) {
        const auto got = send("GET", fmt::format("/box/{}", size));
        EXPECT_EQ(got.status, 200);
        EXPECT_TRUE(got.body == noise(size, size)) << size;
    }
    for (std::size_t size : sizes) ASSERT_EQ(send("DELETE", fmt::format("/box/{}", size)).status, 202);
    stop();
    EXPECT_EQ(data_files(folder_.path() + "/store"), 0u);
}

TEST_F(protocol_test, ranges) {
    const std::string body = noise(100'000);
    ASSERT_EQ(put("/box/r", body).status, 201);
    ASSERT_EQ(put("/box/empty", "").status, 201);
    auto get = [&](const std::string& range) { return send("GET", "/box/r", {{"x-ms-range", range}}); };
    auto part = get("bytes=10-19");
    EXPECT_EQ(part.status, 206);
    EXPECT_EQ(part.body, body.substr(10, 10));
    EXPECT_EQ(part.headers.get("Content-Range"), "bytes 10-19/100000");
    EXPECT_EQ(get("bytes=99990-200000").body, body.substr(99990));
    EXPECT_EQ(get("bytes=99999-").body, body.substr(99999));
    EXPECT_EQ(get("bytes=100000-").code(), "InvalidRange");
    EXPECT_EQ(send("GET", "/box/empty", {{"x-ms-range", "bytes=0-10"}}).status, 416);
    EXPECT_EQ(send("GET", "/box/r", {{"Range", "bytes=0-0"}}).body, body.substr(0, 1));
    // x-ms-range wins.
    EXPECT_EQ(send("GET", "/box/r", {{"Range", "bytes=0-0"}, {"x-ms-range", "bytes=1-1"}}).body,
              body.substr(1, 1));

    part = send("GET", "/box/r", {{"x-ms-range", "bytes=5-70000"}, {"x-ms-range-get-content-crc64", "true"}});
    EXPECT_EQ(part.headers.get("x-ms-content-crc64"),
              codec::crc64_header(codec::crc64(0, codec::as_bytes(std::string_view(body).substr(5, 69996)))));
    part = send("GET", "/box/r", {{"x-ms-range", "bytes=5-9"}, {"x-ms-range-get-content-md5", "true"}});
    EXPECT_EQ(part.headers.get("Content-MD5"), base64(codec::md5_of(codec::as_bytes(body.substr(5, 5)))));
    EXPECT_EQ(send("GET", "/box/r", {{"x-ms-range-get-content-crc64", "true"}}).status, 400);
}

TEST_F(protocol_test, checksums_are_checked) {
    const std::string body = "some bytes";
    const std::string md5 = base64(codec::md5_of(codec::as_bytes(body)));
    const std::string crc = codec::crc64_header(codec::crc64(0, codec::as_bytes(body)));
    EXPECT_EQ(put("/box/c", body, {{"Content-MD5", md5}}).headers.get("Content-MD5"), md5);
    EXPECT_EQ(put("/box/c", body, {{"x-ms-content-crc64", crc}}).headers.get("x-ms-content-crc64"), crc);
    EXPECT_EQ(put("/box/d", "other bytes", {{"Content-MD5", md5}}).code(), "Md5Mismatch");
    EXPECT_EQ(put("/box/d", "other bytes", {{"x-ms-content-crc64", crc}}).code(), "Crc64Mismatch");
    EXPECT_EQ(put("/box/d", body, {{"x-ms-content-crc64", crc}, {"Content-MD5", md5}}).status, 400);
    EXPECT_EQ(put("/box/d", body, {{"Content-MD5", "AAAA"}}).code(), "InvalidMd5");
    EXPECT_EQ(send("GET", "/box/d").code(), "BlobNotFound");
    // A refused large body leaves no file behind.
    EXPECT_EQ(put("/box/d", noise(100'000), {{"Content-MD5", md5}}).code(), "Md5Mismatch");
    EXPECT_EQ(data_files(folder_.path() + "/store"), 0u);
}

TEST_F(protocol_test, blocks_become_a_blob) {
    const std::string one = noise(50'000, 1), two = noise(10, 2), three = noise(40'000, 3);
    EXPECT_EQ(put_block("/box/b", "001", one).status, 201);
    EXPECT_EQ(put_block("/box/b", "002", "old").status, 201);
    EXPECT_EQ(put_block("/box/b", "002", two).status, 201);
    EXPECT_EQ(put_block("/box/b", "0003", three).code(), "InvalidBlobOrBlock");
    EXPECT_EQ(put_block("/box/b", "003", "").status, 400);
    EXPECT_EQ(send("PUT", "/box/b?comp=block&blockid=a", {}, "x").code(), "InvalidBlockId");
    EXPECT_EQ(put_block("/box/b", std::string(65, 'x'), "x").code(), "OutOfRangeQueryParameterValue");
    EXPECT_EQ(send("GET", "/box/b").code(), "BlobNotFound");
    EXPECT_THAT(names(send("GET", "/box?restype=container&comp=list").body), testing::IsEmpty());
    EXPECT_THAT(names(send("GET", "/box?restype=container&comp=list&include=uncommittedblobs").body),
                testing::ElementsAre("b"));

    auto list = [&](std::vector<std::pair<std::string, std::string>> blocks) {
        std::string xml = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>";
        for (const auto& [kind, id] : blocks) xml += fmt::format("<{0}>{1}</{0}>", kind, base64(id));
        return send("PUT", "/box/b?comp=blocklist", {{"x-ms-meta-a", "b"}}, xml + "</BlockList>");
    };
    EXPECT_EQ(list({{"Latest", "001"}, {"Latest", "009"}}).code(), "InvalidBlockList");
    EXPECT_EQ(list({{"Committed", "001"}}).code(), "InvalidBlockList");
    const std::string blocks = send("GET", "/box/b?comp=blocklist&blocklisttype=all").body;
    EXPECT_THAT(names(blocks), testing::ElementsAre(base64("001"), base64("002")));
    ASSERT_EQ(list({{"Latest", "001"}, {"Uncommitted", "002"}, {"Latest", "001"}}).status, 201);
    EXPECT_TRUE(send("GET", "/box/b").body == one + two + one);
    EXPECT_EQ(send("GET", "/box/b", {{"x-ms-range", "bytes=49999-50010"}}).body,
              one.substr(49'999) + two + one[0]);
    EXPECT_THAT(names(send("GET", "/box/b?comp=blocklist&blocklisttype=uncommitted").body),
                testing::IsEmpty());

    // A new commit takes from both lists; a block of the same name counts where it was asked for.
    ASSERT_EQ(put_block("/box/b", "001", three).status, 201);
    ASSERT_EQ(list({{"Committed", "001"}, {"Latest", "001"}, {"Committed", "002"}}).status, 201);
    EXPECT_TRUE(send("GET", "/box/b").body == one + three + two);
    // Uncommitted blocks go with a new blob of that name.
    ASSERT_EQ(put_block("/box/b", "777", three).status, 201);
    ASSERT_EQ(put("/box/b", "whole").status, 201);
    EXPECT_THAT(names(send("GET", "/box/b?comp=blocklist&blocklisttype=all").body), testing::IsEmpty());
    ASSERT_EQ(put_block("/box/only", "1", three).status, 201);
    EXPECT_EQ(send("DELETE", "/box/only").status, 202);
    EXPECT_EQ(send("DELETE", "/box/only").status, 404);
    stop();
    EXPECT_EQ(data_files(folder_.path() + "/store"), 0u);
}

TEST_F(protocol_test, listing_in_pages_of_every_size) {
    std::set<std::string> model;
    for (const char* name : {"a", "a-b", "a/1", "a/2", "a/b/1", "b%C3%BC", "dir/x", "dir/y", "dir0", "z"}) {
        ASSERT_EQ(put(std::string("/box/") + name, "x").status, 201);
        model.insert(*decode_component(name));
    }
    const std::string deep = std::string(1000, 'l') + "/", sibling = std::string(1000, 'l') + "0";
    for (const std::string& name : {deep + "1", deep + "2", sibling}) {
        ASSERT_EQ(put("/box/" + name, "x").status, 201);
        model.insert(name);
    }
    auto all = [&](const std::string& parameters, unsigned page) {
        std::vector<std::string> out;
        std::string marker;
        do {
            const auto got = send(
                "GET", fmt::format("/box?restype=container&comp=list&maxresults={}{}{}", page, parameters,
                                   marker.empty() ? "" : "&marker=" + encode_component(marker)));
            EXPECT_EQ(got.status, 200) << got.body;
            const auto some = names(got.body);
            EXPECT_LE(some.size(), page);
            out.insert(out.end(), some.begin(), some.end());
            marker = text_of(got.body, "NextMarker");
        } while (!marker.empty() && out.size() < 100);
        return out;
    };
    const std::vector<std::string> flat(model.begin(), model.end());
    const std::vector<std::string> top = {"a", "a-b", "a/", "b\xc3\xbc", "dir/", "dir0", deep, sibling, "z"};
    for (unsigned page = 1; page <= 15; ++page) {
        EXPECT_EQ(all("", page), flat) << page;
        EXPECT_EQ(all("&delimiter=%2F", page), top) << page;
        EXPECT_EQ(all("&prefix=a%2F", page), (std::vector<std::string>{"a/1", "a/2", "a/b/1"}));
        EXPECT_EQ(all("&prefix=a%2F&delimiter=%2F", page), (std::vector<std::string>{"a/1", "a/2", "a/b/"}));
        EXPECT_EQ(all("&startFrom=dir", page), std::vector<std::string>(flat.begin() + 6, flat.end()));
    }
    EXPECT_THAT(all("&prefix=nothing", 5), testing::IsEmpty());
    EXPECT_EQ(send("GET", "/box?restype=container&comp=list&maxresults=0").status, 400);
    EXPECT_EQ(send("GET", "/box?restype=container&comp=list&marker=x").status, 400);
    EXPECT_EQ(send("GET", "/box?restype=container&comp=list&include=everything").status, 400);
}

TEST_F(protocol_test, a_blob_is_listed_in_company_as_alone) {
    const std::string name = "02%20%26%20%C3%BC";
    const response made = put("/box/" + name, "x", {{"x-ms-meta-k", "a & 'b'"}, {"x-ms-meta-l", "1"}});
    ASSERT_EQ(made.status, 201);
    const std::vector<header_list> kinds = {
        {},
        {},
        {{"x-ms-blob-content-type", "text/<b>"}},
        {{"x-ms-blob-content-encoding", "gzip"}},
        {{"x-ms-blob-cache-control", "no-cache"}},
        {{"x-ms-blob-content-disposition", "attachment; filename=\"a\""}, {"x-ms-meta-k", "v"}},
        {{"x-ms-access-tier", "Cool"}},
        {{"x-ms-access-tier", "Cold"}},
        {{"x-ms-tags", "a=b&c=d"}},
        {},
        {},
    };
    std::vector<std::string> all = {name, "00"};
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        all.push_back(std::to_string(10 + i));
        ASSERT_EQ(put("/box/" + all.back(), std::string(i * i, 'y'), kinds[i]).status, 201) << i;
    }
    ASSERT_EQ(
        send("PUT", "/box/15?comp=lease", {{"x-ms-lease-action", "acquire"}, {"x-ms-lease-duration", "-1"}})
            .status,
        201);
    ASSERT_EQ(send("PUT", "/box/00", {{"x-ms-blob-type", "AppendBlob"}}).status, 201);
    all.push_back("185");
    ASSERT_EQ(
        send("PUT", "/box/185", {{"x-ms-blob-type", "PageBlob"}, {"x-ms-blob-content-length", "512"}}).status,
        201);
    auto list = [&](const std::string& more) {
        return send("GET", "/box?restype=container&comp=list&include=metadata,tags,copy" + more).body;
    };
    auto entry = [](const std::string& listed, const std::string& text) {
        const std::size_t from = listed.find("<Blob><Name>" + text + "</Name>");
        EXPECT_NE(from, std::string::npos) << text;
        return listed.substr(from, listed.find("</Blob>", from) + 7 - from);
    };
    const std::string together = list("");
    ASSERT_EQ(names(together).size(), all.size());
    for (const std::string& one : all) {
        const std::string shown = one == name ? "02 &amp; \xc3\xbc" : one;
        EXPECT_EQ(entry(together, shown), entry(list("&prefix=" + one), shown));
    }
    // The same in columns.
    ASSERT_EQ(send("PUT", "/box/16?comp=snapshot").status, 201);
    ASSERT_EQ(send("PUT", "/box/new?comp=block&blockid=QQ==", {}, "x").status, 201);
    for (const char* more :
         {"", "&include=metadata,tags,copy,snapshots,uncommittedblobs", "&delimiter=1", "&prefix=nothing",
          "&maxresults=3&include=metadata", "&prefix=1&delimiter=1&maxresults=2"})
        expect_same_in_columns("/box?restype=container&comp=list" + std::string(more));
    EXPECT_EQ(read_listing("/box?restype=container&comp=list&startFrom=12&endBefore=14", true).size(), 2u);
    const std::string date(made.headers.get("Last-Modified"));
    std::string etag(made.headers.get("ETag"));
    etag = etag.substr(1, etag.size() - 2);
    const std::string md5(send("HEAD", "/box/" + name).headers.get("Content-MD5"));
    EXPECT_EQ(
        entry(together, "02 &amp; \xc3\xbc"),
        "<Blob><Name>02 &amp; \xc3\xbc</Name><Properties><Creation-Time>" + date +
            "</Creation-Time><Last-Modified>" + date + "</Last-Modified><Etag>" + etag +
            "</Etag><Content-Length>1</Content-Length><Content-Type>application/octet-stream</Content-Type>"
            "<Content-Encoding /><Content-Language /><Content-CRC64 /><Content-MD5>" +
            md5 +
            "</Content-MD5><Cache-Control /><Content-Disposition /><BlobType>BlockBlob</BlobType>"
            "<AccessTier>Hot</AccessTier><AccessTierInferred>true</AccessTierInferred>"
            "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
            "<ServerEncrypted>true</ServerEncrypted></Properties><Metadata><k>a &amp; &apos;b&apos;</k>"
            "<l>1</l></Metadata><OrMetadata /></Blob>");
}

TEST_F(protocol_test, snapshots) {
    ASSERT_EQ(put("/box/s", "one", {{"x-ms-meta-v", "1"}}).status, 201);
    const std::string first(send("PUT", "/box/s?comp=snapshot").headers.get("x-ms-snapshot"));
    ASSERT_EQ(put("/box/s", noise(50'000)).status, 201);
    const std::string second(send("PUT", "/box/s?comp=snapshot").headers.get("x-ms-snapshot"));
    ASSERT_EQ(put("/box/s", "three").status, 201);
    ASSERT_LT(first, second);
    EXPECT_EQ(send("GET", "/box/s?snapshot=" + encode_component(first)).body, "one");
    EXPECT_EQ(send("GET", "/box/s?snapshot=" + encode_component(first)).headers.get("x-ms-meta-v"), "1");
    EXPECT_TRUE(send("GET", "/box/s?snapshot=" + encode_component(second)).body == noise(50'000));
    EXPECT_EQ(send("GET", "/box/s?snapshot=2020-01-01T00%3A00%3A00.0000000Z").code(), "BlobNotFound");
    const std::string listed =
        send("GET", "/box?restype=container&comp=list&include=snapshots&maxresults=2").body;
    EXPECT_NE(listed.find(first), std::string::npos);
    EXPECT_NE(listed.find(second), std::string::npos);
    const std::string rest = send("GET", "/box?restype=container&comp=list&include=snapshots&marker=" +
                                             encode_component(text_of(listed, "NextMarker")))
                                 .body;
    EXPECT_THAT(names(rest), testing::ElementsAre("s"));
    EXPECT_EQ(rest.find("<Snapshot>"), std::string::npos);

    EXPECT_EQ(send("DELETE", "/box/s").code(), "SnapshotsPresent");
    EXPECT_EQ(send("DELETE", "/box/s?snapshot=" + encode_component(first)).status, 202);
    EXPECT_EQ(send("DELETE", "/box/s", {{"x-ms-delete-snapshots", "only"}}).status, 202);
    EXPECT_EQ(send("GET", "/box/s").body, "three");
    EXPECT_EQ(send("DELETE", "/box/s").status, 202);
    stop();
    EXPECT_EQ(data_files(folder_.path() + "/store"), 0u);
}

TEST_F(protocol_test, conditions_guard_a_commit) {
    ASSERT_EQ(put("/box/g", "1", {{"If-None-Match", "*"}}).status, 201);
    EXPECT_EQ(put("/box/g", "2", {{"If-None-Match", "*"}}).code(), "BlobAlreadyExists");
    const std::string etag(send("HEAD", "/box/g").headers.get("ETag"));
    EXPECT_EQ(put("/box/g", "2", {{"If-Match", etag}}).status, 201);
    EXPECT_EQ(put("/box/g", "3", {{"If-Match", etag}}).code(), "ConditionNotMet");
    EXPECT_EQ(send("GET", "/box/g").body, "2");
    EXPECT_EQ(send("GET", "/box/g", {{"If-None-Match", "*"}}).status, 304);
    EXPECT_EQ(send("PUT", "/box/g?comp=metadata", {{"If-Match", etag}, {"x-ms-meta-a", "b"}}).status, 412);
    EXPECT_EQ(send("DELETE", "/box/g", {{"If-Match", etag}}).status, 412);
}

TEST_F(protocol_test, a_deleted_container_takes_its_blobs_along) {
    make_container("gone");
    for (int n = 0; n < 40; ++n) ASSERT_EQ(put(fmt::format("/gone/{}", n), noise(40'000)).status, 201);
    ASSERT_EQ(put_block("/gone/staged", "1", noise(40'000)).status, 201);
    ASSERT_EQ(send("PUT", "/gone/1?comp=snapshot").status, 201);
    ASSERT_EQ(send("DELETE", "/gone?restype=container").status, 202);
    EXPECT_EQ(send("GET", "/gone/1").code(), "ContainerNotFound");
    make_container("gone");
    EXPECT_EQ(send("GET", "/gone/1").code(), "BlobNotFound");
    // Emptied in the background: on a timer, so until then or the deadline.
    for (int n = 0; n < 100 && data_files(folder_.path() + "/store") > 0; ++n) {
        run_.run(sleep_for(std::chrono::milliseconds(100), {}));
    }
    EXPECT_EQ(data_files(folder_.path() + "/store"), 0u);
}

TEST_F(protocol_test, batches) {
    for (const char* name : {"1", "2", "3"}) ASSERT_EQ(put(std::string("/box/") + name, "x").status, 201);
    auto part = [&](int id, const std::string& line) {
        return fmt::format(
            "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {}"
            "\r\n\r\n{} HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            id, line);
    };
    const std::string body = part(0, "DELETE /devstoreaccount1/box/1") +
                             part(1, "DELETE /devstoreaccount1/box/missing") +
                             part(2, "DELETE /devstoreaccount1/box/3") + "--b--\r\n";
    const auto done = send("POST", "/box?restype=container&comp=batch",
                           {{"Content-Type", "multipart/mixed; boundary=b"}}, body);
    EXPECT_EQ(done.status, 202);
    EXPECT_THAT(done.body, testing::HasSubstr("HTTP/1.1 404"));
    EXPECT_THAT(names(send("GET", "/box?restype=container&comp=list").body), testing::ElementsAre("2"));
    const std::string mixed = part(0, "DELETE /devstoreaccount1/box/2") +
                              part(1, "PUT /devstoreaccount1/box/2?comp=tier") + "--b--\r\n";
    EXPECT_EQ(send("POST", "/?comp=batch", {{"Content-Type", "multipart/mixed; boundary=b"}}, mixed).code(),
              "AllBatchSubRequestsShouldBeSameApi");
    EXPECT_EQ(
        send("POST", "/?comp=batch", {{"Content-Type", "multipart/mixed; boundary=b"}}, part(0, "GET /x"))
            .code(),
        "InvalidInput");
}

TEST_F(protocol_test, leases_protect) {
    ASSERT_EQ(put("/box/l", "1").status, 201);
    const std::string id = "11111111-2222-3333-4444-555555555555";
    auto lease = [&](header_list headers) { return send("PUT", "/box/l?comp=lease", headers); };
    EXPECT_EQ(lease({{"x-ms-lease-action", "acquire"}, {"x-ms-lease-duration", "10"}}).status, 400);
    const auto acquired = lease(
        {{"x-ms-lease-action", "acquire"}, {"x-ms-lease-duration", "-1"}, {"x-ms-proposed-lease-id", id}});
    EXPECT_EQ(acquired.status, 201);
    EXPECT_EQ(acquired.headers.get("x-ms-lease-id"), id);
    EXPECT_EQ(send("HEAD", "/box/l").headers.get("x-ms-lease-status"), "locked");
    EXPECT_EQ(put("/box/l", "2").code(), "LeaseIdMissing");
    EXPECT_EQ(put("/box/l", "2", {{"x-ms-lease-id", id}}).status, 201);
    EXPECT_EQ(send("HEAD", "/box/l").headers.get("x-ms-lease-state"), "leased");
    EXPECT_EQ(lease({{"x-ms-lease-action", "acquire"}, {"x-ms-lease-duration", "15"}}).code(),
              "LeaseAlreadyPresent");
    EXPECT_EQ(lease({{"x-ms-lease-action", "renew"}, {"x-ms-lease-id", id}}).status, 200);
    const auto broken = lease({{"x-ms-lease-action", "break"}});
    EXPECT_EQ(broken.status, 202);
    EXPECT_EQ(broken.headers.get("x-ms-lease-time"), "0");
    EXPECT_EQ(lease({{"x-ms-lease-action", "renew"}, {"x-ms-lease-id", id}}).code(),
              "LeaseIsBrokenAndCannotBeRenewed");
    EXPECT_EQ(lease({{"x-ms-lease-action", "release"}, {"x-ms-lease-id", id}}).status, 200);
    EXPECT_EQ(send("DELETE", "/box/l").status, 202);
}

TEST_F(protocol_test, append_and_page_blobs) {
    ASSERT_EQ(send("PUT", "/box/a", {{"x-ms-blob-type", "AppendBlob"}}).status, 201);
    EXPECT_EQ(send("PUT", "/box/a?comp=appendblock", {}, "one").headers.get("x-ms-blob-append-offset"), "0");
    EXPECT_EQ(send("PUT", "/box/a?comp=appendblock", {{"x-ms-blob-condition-appendpos", "0"}}, "x").code(),
              "AppendPositionConditionNotMet");
    const std::string more = noise(70'000);
    EXPECT_EQ(send("PUT", "/box/a?comp=appendblock", {{"x-ms-blob-condition-appendpos", "3"}}, more).status,
              201);
    EXPECT_TRUE(send("GET", "/box/a").body == "one" + more);
    EXPECT_EQ(send("PUT", "/box/a?comp=block&blockid=AAAA", {}, "x").code(), "InvalidBlobType");

    ASSERT_EQ(
        send("PUT", "/box/p", {{"x-ms-blob-type", "PageBlob"}, {"x-ms-blob-content-length", "4096"}}).status,
        201);
    auto page = [&](const std::string& range, const std::string& what, std::string_view body) {
        return send("PUT", "/box/p?comp=page", {{"x-ms-page-write", what}, {"x-ms-range", range}}, body);
    };
    EXPECT_EQ(page("bytes=512-1535", "update", noise(1024)).status, 201);
    EXPECT_EQ(page("bytes=1024-1535", "clear", "").status, 201);
    EXPECT_EQ(page("bytes=1-512", "update", noise(512)).status, 416);
    EXPECT_EQ(page("bytes=4096-4607", "update", noise(512)).status, 416);
    EXPECT_TRUE(send("GET", "/box/p").body ==
                std::string(512, '\0') + noise(1024).substr(0, 512) + std::string(3072, '\0'));
    const std::string ranges = send("GET", "/box/p?comp=pagelist").body;
    EXPECT_EQ(text_of(ranges, "Start"), "512");
    EXPECT_EQ(text_of(ranges, "End"), "1023");
}

task<void> put_many(http::client& client, const store& to, unsigned from, unsigned count,
                    std::atomic<unsigned>& good) {
    const auto key = auth::shared_key(emulator_account, secret(emulator_key));
    const auto at = parse_uri(to.endpoint());
    for (unsigned n = from; n < from + count; ++n) {
        const std::string body = noise(3000, n);
        http::request r;
        r.method = http::verb::put;
        r.target = fmt::format("{}/box/many/{}", at->path, n);
        r.headers.add("x-ms-version", "2021-12-02");
        r.headers.add("x-ms-blob-type", "BlockBlob");
        const http::endpoint where = http::endpoint::of(*at);
        (void)co_await (*key)->authorize(r, where, body.size(), {});
        auto got = co_await client.send(where, r, http::body::text(body), {});
        if (!got) continue;
        (void)co_await got->read_all(MiB, {});
        if (got->head().status == 201) ++good;
    }
}

TEST_F(protocol_test, concurrent_writes_share_commits) {
    task_group group;
    std::atomic<unsigned> good{0};
    for (unsigned n = 0; n < 32; ++n)
        group.spawn(run_.at(n % 2), put_many(client_, *store_, n * 20, 20, good));
    run_.run(group.join());
    EXPECT_EQ(good, 640u);
    EXPECT_LT(store_->stats().commits.load(), store_->stats().writes.load());
    restart();
    EXPECT_EQ(names(send("GET", "/box?restype=container&comp=list&prefix=many").body).size(), 640u);
    EXPECT_EQ(send("GET", "/box/many/77").body, noise(3000, 77));
}

TEST_F(protocol_test, two_stores_serve_one_folder) {
    options o;
    o.root = folder_.path() + "/store";
    o.listen = "127.0.0.1:0";
    store second(run_, o);
    // In one process LMDB must not be opened twice, and is not.
    ASSERT_TRUE(second.start());
    ASSERT_EQ(put("/box/shared", noise(50'000)).status, 201);
    EXPECT_TRUE(send_to(second, "GET", "/box/shared", {}, {}, true).body == noise(50'000));
    ASSERT_EQ(send_to(second, "DELETE", "/box/shared", {}, {}, true).status, 202);
    EXPECT_EQ(send("GET", "/box/shared").status, 404);
    run_.run(second.stop());
    ASSERT_EQ(put("/box/after", "x").status, 201);
}

TEST_F(protocol_test, what_is_not_there_is_said) {
    EXPECT_EQ(send("GET", "/box/x?comp=unknown").code(), "NotImplemented");
    EXPECT_EQ(send("POST", "/box/x?comp=block&blockid=AAAA").code(), "UnsupportedHttpVerb");
    EXPECT_EQ(send("PUT", "/box/x", {}, "body").code(), "MissingRequiredHeader");
    EXPECT_EQ(put("/box/x", "body", {{"x-ms-version", "yesterday"}}).code(), "InvalidHeaderValue");
    EXPECT_EQ(put("/box/x", "body", {{"x-ms-meta-1a", "x"}}).code(), "InvalidMetadata");
    EXPECT_EQ(put("/box/x", "body", {{"x-ms-meta-a", std::string(9000, 'x')}}).code(), "MetadataTooLarge");
    EXPECT_EQ(put("/box/x", "body", {{"x-ms-access-tier", "Lukewarm"}}).code(), "InvalidHeaderValue");
    EXPECT_EQ(send("PUT", "/box?restype=container").code(), "ContainerAlreadyExists");
    EXPECT_EQ(send("PUT", "/Box?restype=container").code(), "InvalidResourceName");
}

}  // namespace
}  // namespace act::store
