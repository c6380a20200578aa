// Entries that are alike are read by their likeness; the result is that of reading tag by tag.
#include "listing_oracle.hpp"

namespace act::blob {
namespace {

/// Entries as the service writes them: of one form, alike, now and then a little different, or of another
/// form.
class alike {
public:
    explicit alike(unsigned seed) : random_(seed) {}

    std::string document(int entries) {
        std::string out = "<EnumerationResults><Blobs>";
        for (int i = 0; i < entries; ++i) out += entry(i);
        return out + "</Blobs><NextMarker /></EnumerationResults>";
    }
    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

private:
    bool chance(unsigned one_in) { return below(one_in) == 0; }
    std::string leaf(const std::string& name, const std::string& text) {
        switch (below(60)) {
            case 0:
                return "";
            case 1:
                return "<" + name + "></" + name + ">";
            case 2:
                return "<" + name + "/>";
            case 3:
                return "<" + name + " a=\"b\">" + text + "</" + name + ">";
            case 4:
                return "<" + name + ">&amp;" + text + "</" + name + ">";
            case 5:
                return "<" + name + "><![CDATA[" + text + "]]></" + name + ">";
            case 6:
                return "<" + name + ">" + text + "</" + name + ">" + "<" + name + ">" + text + "</" + name +
                       " >";
            case 7:
                return "<" + name + ">" + text + "<x>y</x></" + name + ">";
            case 8:
                return "\n<!-- -->";
            default:
                return text.empty() ? "<" + name + " />" : "<" + name + ">" + text + "</" + name + ">";
        }
    }

    std::string entry(int i) {
        if (chance(10)) date_ = to_http_date(wall_time(std::chrono::seconds(1'700'000'000 + below(1000))));
        if (chance(10)) md5_ = chance(2) ? "" : "1B2M2Y8AsgTpgAmY7PhCf" + std::to_string(below(10)) + "==";
        if (chance(12)) {
            metadata_.clear();
            for (const char* key : {"mode", "Mtime", "hdi_isfolder", "HDI_isFolder", "x-ms-invalid-name"}) {
                if (chance(2)) metadata_ += leaf(key, chance(2) ? "true" : std::to_string(below(100'000)));
            }
        }
        std::string out = chance(20) ? "<Blob >" : "<Blob>";
        out += leaf("Name", "many/" + std::to_string(i * 7) + (chance(5) ? "\xC3\xBC" : "") + ".jpg");
        if (chance(15)) out += leaf("Snapshot", "2026-01-01T00:00:00.0000000Z");
        out += "<Properties>" + leaf("Creation-Time", date_) + leaf("Last-Modified", date_);
        out += leaf("Etag", chance(20) ? "" : "0x8D" + std::to_string(below(1000)));
        out += leaf("Content-Length", std::to_string(below(12'000)));
        out += leaf("Content-Type", "application/octet-stream") + leaf("Content-Encoding", "");
        out += leaf("Content-MD5", md5_) + leaf("BlobType", chance(9) ? "PageBlob" : "BlockBlob");
        out += leaf("AccessTier", "Hot") + leaf("AccessTierInferred", "true") + leaf("Unknown", "x");
        if (chance(15)) out += leaf("ResourceType", chance(2) ? "directory" : "file");
        out += leaf("LeaseState", "available") + "</Properties>";
        out +=
            metadata_.empty() ? (chance(2) ? "<Metadata />" : "") : "<Metadata>" + metadata_ + "</Metadata>";
        if (chance(20)) out += "<Tags><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tags>";
        return out + "<OrMetadata /></Blob>";
    }

    std::mt19937 random_;
    std::string date_ = "Sun, 22 Nov 2026 05:48:52 GMT", md5_, metadata_;
};

/// The same for a reader, but none of it is compared with what came before.
std::string tag_by_tag(std::string text) {
    constexpr std::string_view opening = "<Blob>";
    for (std::size_t at = 0; (at = text.find(opening, at)) != text.npos;)
        text.replace(at, opening.size(), "<Blob >");
    return text;
}

void expect_same(const scanned& got, const scanned& wanted, const std::string& text) {
    ASSERT_EQ(got.ended.has_value(), wanted.ended.has_value()) << text;
    ASSERT_EQ(got.items, wanted.items) << text;
    ASSERT_EQ(got.marker, wanted.marker) << text;
    if (!got.ended) ASSERT_EQ(got.ended.error().message(), wanted.ended.error().message()) << text;
}

TEST(listing_alike, entries_read_by_their_likeness_are_those_read_tag_by_tag) {
    for (unsigned seed = 0; seed < 120; ++seed) {
        const auto text = alike(seed).document(static_cast<int>(seed % 30));
        for (detail wanted : {detail::full, detail::etag, detail::brief}) {
            const auto expected = scan(tag_by_tag(text), 0, 0, wanted);
            for (std::size_t piece : {std::size_t{0}, std::size_t{1}, std::size_t{700}, std::size_t{4096}}) {
                expect_same(scan(text, piece, 0, wanted), expected, text);
            }
        }
    }
}

TEST(listing_alike, a_chunk_may_end_anywhere_between_entries_that_are_alike) {
    std::string text;
    scanned expected;
    for (unsigned seed = 0; text.empty() || !expected.ended; ++seed) {
        text = alike(seed).document(8);
        expected = scan(tag_by_tag(text));
    }
    ASSERT_EQ(expected.items.size(), 8u);
    for (std::size_t at = 1; at < text.size(); ++at)
        expect_same(scan(text, 0, at), expected, text.substr(0, at));
}

TEST(listing_alike, damaged_entries_that_are_alike_are_read_as_tag_by_tag) {
    std::mt19937 random(6);
    for (int round = 0; round < 2000; ++round) {
        auto text = alike(static_cast<unsigned>(round)).document(6);
        for (int i = 0; i < 3; ++i) text[random() % text.size()] = "<>/&;\"'!-[] a\0B"[random() % 15];
        const auto wanted = static_cast<detail>(random() % 3);
        const auto expected = scan(tag_by_tag(text), 0, 0, wanted);
        expect_same(scan(text, random() % 3 == 0 ? 1 + random() % 900 : 0, 0, wanted), expected, text);
    }
}

}  // namespace
}  // namespace act::blob
