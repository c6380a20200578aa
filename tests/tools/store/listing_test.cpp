// Listings write once what neighbours have in common: an entry in company is to be as it is alone.
#include "../../engine/codec/arrow_show.hpp"
#include "fixture.hpp"

namespace act::store {
namespace {

constexpr const char* list = "/box?restype=container&comp=list";

class listing_test : public store_test {
protected:
    void SetUp() override {
        soft_delete_ = 7;
        versioning_ = true;
        start();
        make_container("box");
    }

    /// The entries and the marker of a page.
    struct page {
        std::vector<std::string> rows;
        std::string marker;
    };
    page in_columns(const std::string& target) {
        const auto got =
            send("GET", target, {{"Accept", blob::arrow_type}, {"x-ms-version", blob::arrow_version}});
        const std::vector<char> bytes(got.body.begin(), got.body.end());
        const auto table = opened(arrow::table_reader::open({bytes.data(), bytes.size()}));
        return {opened(arrow::show_rows(got.body)),
                std::string(table.metadata("NextMarker").value_or("none"))};
    }
    page in_xml(const std::string& target) {
        const std::string body = send("GET", target).body;
        page out;
        for (std::size_t at = body.find("<Blobs>") + 7; !body.substr(at).starts_with("</Blobs>");) {
            const std::string end = body.substr(at).starts_with("<Blob>") ? "</Blob>" : "</BlobPrefix>";
            const std::size_t behind = body.find(end, at) + end.size();
            EXPECT_GE(behind, at + end.size()) << body;
            if (behind < at + end.size()) break;
            out.rows.push_back(body.substr(at, behind - at));
            at = behind;
        }
        out.marker = text_of(body, "NextMarker");
        return out;
    }
    void expect_in_company_as_alone(const std::string& target, std::size_t at_least) {
        for (const bool columns : {true, false}) {
            const auto read = [&](const std::string& t) { return columns ? in_columns(t) : in_xml(t); };
            const page together = read(target);
            EXPECT_GE(together.rows.size(), at_least) << target;
            std::vector<std::string> alone;
            std::string marker;
            do {
                const std::string next = marker.empty() ? "" : "&marker=" + encode_component(marker);
                const page one = read(target + "&maxresults=1" + next);
                ASSERT_EQ(one.rows.size(), 1u) << target;
                alone.push_back(one.rows[0]);
                marker = one.marker;
            } while (!marker.empty() && alone.size() < together.rows.size());
            EXPECT_EQ(together.rows, alone) << target;
        }
        expect_same_in_columns(target);
    }
    /// One blob with `headers`, as often as asked for, each with a name of its own.
    void put_some(std::size_t count, const header_list& headers) {
        for (; count > 0; --count) {
            last_ = fmt::format("/box/{:03}", 100 + made_++);
            if (headers.empty() || headers[0].first != "x-ms-blob-type") {
                ASSERT_EQ(put(last_, std::string(made_, 'x'), headers).status, 201);
            } else {
                ASSERT_EQ(send("PUT", last_, headers).status, 201);
            }
        }
    }
    void lease_last(const std::string& seconds) {
        ASSERT_EQ(send("PUT", last_ + "?comp=lease",
                       {{"x-ms-lease-action", "acquire"}, {"x-ms-lease-duration", seconds}})
                      .status,
                  201);
    }
    std::size_t made_ = 0;
    std::string last_;
};

TEST_F(listing_test, an_entry_in_company_is_as_alone) {
    const header_list kinds[] = {
        {{"x-ms-blob-content-type", "text/plain"}, {"x-ms-meta-k", "v"}},
        {{"x-ms-blob-content-type", "text/plain"}, {"x-ms-meta-k", "w"}, {"x-ms-meta-l", ""}},
        {{"x-ms-blob-content-encoding", "gzip"}},
        {{"x-ms-blob-content-language", "de"}},
        {{"x-ms-blob-cache-control", "no-cache"}},
        {{"x-ms-blob-content-disposition", "inline"}},
        {{"x-ms-access-tier", "Cool"}},
        {{"x-ms-access-tier", "Hot"}},
        {{"x-ms-tags", "a=b"}},
        {{"x-ms-tags", "a=b&c=d"}},
        {{"x-ms-blob-type", "AppendBlob"}},
        {{"x-ms-blob-type", "PageBlob"}, {"x-ms-blob-content-length", "512"}},
        {{"x-ms-blob-type", "PageBlob"},
         {"x-ms-blob-content-length", "512"},
         {"x-ms-blob-sequence-number", "3"}},
    };
    // Begun, broken off, resumed: each kind in runs of three, two and one, between others and at either end.
    for (const auto& kind : kinds) {
        put_some(3, kind);
        put_some(1, {});
        put_some(2, kind);
        put_some(1, {{"x-ms-blob-content-type", "image/png"}});
        put_some(1, kind);
    }
    put_some(2, {});
    lease_last("-1");
    put_some(1, {});
    lease_last("60");
    put_some(2, {{"x-ms-blob-type", "AppendBlob"}});
    ASSERT_EQ(send("PUT", last_ + "?comp=seal").status, 200);
    put_some(2, {});
    const std::string source = store_->endpoint() + last_;
    put_some(2, {});
    for (int i = 0; i < 3; ++i) {
        last_ = fmt::format("/box/{:03}", 100 + made_++);
        ASSERT_EQ(send("PUT", last_, {{"x-ms-copy-source", source}}).status, 202);
    }
    for (int i = 0; i < 2; ++i) ASSERT_EQ(send("PUT", last_ + "?comp=snapshot").status, 201);
    // What was: in the midst of the runs above.
    for (const char* name : {"/box/101", "/box/110", "/box/111", "/box/150"}) {
        ASSERT_EQ(send("PUT", std::string(name) + "?comp=snapshot").status, 201);
        ASSERT_EQ(put(name, "new").status, 201);
    }
    for (const char* name : {"/box/102", "/box/111", "/box/120", "/box/121"})
        ASSERT_EQ(send("DELETE", name, {{"x-ms-delete-snapshots", "include"}}).status, 202);
    for (const char* name : {"/box/0", "/box/1045", "/box/1101", "/box/z"})
        ASSERT_EQ(send("PUT", std::string(name) + "?comp=block&blockid=QQ==", {}, "x").status, 201);

    expect_in_company_as_alone(list, 110);
    expect_in_company_as_alone(std::string(list) + "&include=metadata,tags,copy", 110);
    expect_in_company_as_alone(std::string(list) + "&include=snapshots,uncommittedblobs", 115);
    expect_in_company_as_alone(
        std::string(list) + "&include=metadata,tags,copy,snapshots,versions,deleted,uncommittedblobs", 120);
    expect_in_company_as_alone(std::string(list) + "&include=uncommittedblobs&delimiter=05", 110);
}

}  // namespace
}  // namespace act::store
