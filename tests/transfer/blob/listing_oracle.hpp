#pragma once

#include <random>

#include <gtest/gtest.h>
#include <pugixml.hpp>

#include "engine/core/uri.hpp"
#include "show.hpp"
#include "transfer/blob/listing.hpp"
#include "transfer/blob/xml.hpp"

/// Listings made up at random, and a document tree to read them with.
namespace act::blob {

inline std::string lower(std::string s) {
    for (char& c : s) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return s;
}

/// The same by a document tree.
inline std::vector<std::string> oracle(const std::string& text, std::string& marker) {
    pugi::xml_document doc;
    auto parsed = doc.load_buffer(text.data(), text.size(), pugi::parse_default | pugi::parse_ws_pcdata);
    EXPECT_TRUE(parsed) << parsed.description();
    auto get = [](pugi::xml_node n, const char* name) {
        std::string out;
        for (auto piece : n.child(name).children()) {
            if (piece.type() == pugi::node_pcdata || piece.type() == pugi::node_cdata) out += piece.value();
        }
        return out;
    };
    std::vector<std::string> out;
    auto root = doc.child("EnumerationResults");
    marker = get(root, "NextMarker");
    for (auto n : root.child("Blobs").children()) {
        std::string element = n.name();
        if (element != "Blob" && element != "BlobPrefix") continue;
        properties p;
        p.is_prefix = element == "BlobPrefix";
        p.name = get(n, "Name");
        if (std::string_view(n.child("Name").attribute("Encoded").value()) == "true")
            p.name = decode_component(p.name).value();
        p.snapshot = get(n, "Snapshot");
        p.version_id = get(n, "VersionId");
        p.current_version = get(n, "IsCurrentVersion") == "true";
        p.deleted = get(n, "Deleted") == "true";
        auto in = n.child("Properties");
        if (in.child("Content-Length")) p.size = std::stoull(get(in, "Content-Length"));
        if (auto t = get(in, "Last-Modified"); !t.empty()) p.modified = *parse_http_date(t);
        if (auto t = get(in, "Creation-Time"); !t.empty()) p.created = parse_http_date(t);
        p.etag = etag::from_listing(get(in, "Etag"));
        p.content = {get(in, "Content-Type"),        get(in, "Content-Encoding"), get(in, "Content-Language"),
                     get(in, "Content-Disposition"), get(in, "Cache-Control"),    get(in, "Content-MD5")};
        auto type = get(in, "BlobType");
        p.type = type == "AppendBlob" ? blob_type::append
                 : type == "PageBlob" ? blob_type::page
                                      : blob_type::block;
        p.tier = get(in, "AccessTier");
        p.tier_inferred = get(in, "AccessTierInferred") == "true";
        p.lease_status = get(in, "LeaseStatus");
        p.lease_state = get(in, "LeaseState");
        p.copy_id = get(in, "CopyId");
        p.copy_status = get(in, "CopyStatus");
        p.copy_progress = get(in, "CopyProgress");
        p.copy_description = get(in, "CopyStatusDescription");
        for (auto m : n.child("Metadata").children()) {
            if (m.type() == pugi::node_element)
                p.metadata[lower(m.name())] = get(n.child("Metadata"), m.name());
        }
        for (auto t : n.child("Tags").child("TagSet").children("Tag"))
            p.tags[get(t, "Key")] = get(t, "Value");
        p.is_directory =
            get(in, "ResourceType") == "directory" || (!p.is_prefix && p.metadata.count("hdi_isfolder"));
        p.uncommitted = !p.is_prefix && p.etag.empty();
        out.push_back(show(p));
    }
    return out;
}

struct scanned {
    result<void> ended;
    std::vector<std::string> items;
    std::string marker;
};

/// `piece`: how many bytes to give at a time, 0 for all.
inline scanned scan(std::string_view text, std::size_t piece = 0, std::size_t first = 0,
                    detail wanted = detail::full) {
    listing_scanner s(wanted);
    scanned out;
    if (first != 0) {
        out.ended = s.feed(text.substr(0, first));
        text.remove_prefix(first);
    }
    while (out.ended && !text.empty()) {
        auto now = text.substr(0, piece == 0 ? text.npos : piece);
        out.ended = s.feed(now);
        text.remove_prefix(now.size());
    }
    if (out.ended) out.ended = s.finish();
    for (const auto& p : s.items()) out.items.push_back(show(p));
    out.marker = s.next_marker();
    return out;
}

class generator {
public:
    explicit generator(unsigned seed) : random_(seed) {}

    std::string document(int entries) {
        std::string out;
        if (chance(3)) out += "\xEF\xBB\xBF";
        if (!chance(5)) out += "<?xml version=\"1.0\" encoding=\"utf-8\"?>";
        out += gap() + "<EnumerationResults ServiceEndpoint=\"https://a/?x&gt;>\" ContainerName='c'>";
        if (chance(2))
            out += "<Prefix/><Marker></Marker><MaxResults>5000</MaxResults><Delimiter>/</Delimiter>";
        out += gap() + "<Blobs>";
        for (int i = 0; i < entries; ++i) out += gap() + (chance(5) ? prefix() : blob());
        out += gap() + "</Blobs>" + gap();
        out += chance(2) ? "<NextMarker/>" : "<NextMarker>" + text() + "</NextMarker>";
        return out + "</EnumerationResults>" + gap();
    }

private:
    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
    bool chance(unsigned one_in) { return below(one_in) == 0; }

    std::string gap() {
        switch (below(8)) {
            case 0:
                return "\n  ";
            case 1:
                return "<!-- a <b> & --> ";
            case 2:
                return "<?pi x?>";
            case 3:
                return "\t\r\n";
            default:
                return "";
        }
    }

    std::string plain() {
        static const char* pieces[] = {"a",  "dir/", "b c", "ü",   "😀", "&",     "<", ">",
                                       "\"", "'",    "]]",  "%41", "+",  "x.txt", "0"};
        std::string out;
        for (unsigned i = 0, n = 1 + below(6); i < n; ++i) out += pieces[below(std::size(pieces))];
        return out;
    }

    /// A text in one of its spellings.
    std::string text() {
        auto t = plain();
        if (chance(6) && t.find("]]>") == t.npos) return "<![CDATA[" + t + "<&>" + "]]>";
        std::string out;
        xml::escape(out, t);
        if (chance(6)) out += "<!-- & -->" + std::string("&#x20AC;&#65;");
        return out;
    }

    std::string element(const std::string& name, const std::string& content) {
        if (content.empty() && chance(2)) return "<" + name + (chance(2) ? " />" : "/>");
        return "<" + name + ">" + content + "</" + name + (chance(10) ? " >" : ">") + gap();
    }

    std::string date() {
        return to_http_date(wall_time(std::chrono::seconds(1'000'000'000 + below(400'000'000))));
    }

    std::string unknown() {
        return "<New a='>'><Name>not this</Name><Blob><Etag/></Blob>" + text() + "</New>";
    }

    std::string name() {
        if (chance(6))
            return "<Name Encoded=\"true\">" + encode_component(plain() + "\xEF\xBF\xBE\x01") + "</Name>";
        return element("Name", text());
    }

    std::string prefix() {
        return "<BlobPrefix>" + name() + (chance(3) ? "<Properties><Etag>1</Etag></Properties>" : "") +
               "</BlobPrefix>";
    }

    std::string blob() {
        std::string out = "<Blob>" + name();
        if (chance(4)) out += "<Snapshot>2026-01-01T00:00:00.0000000Z</Snapshot>";
        if (chance(4)) out += "<VersionId>v</VersionId><IsCurrentVersion>true</IsCurrentVersion>";
        if (chance(4)) out += "<Deleted>true</Deleted>";
        if (chance(4)) out += unknown();
        out += "<Properties>" + gap();
        out += element("Content-Length", std::to_string(random_() >> below(64)));
        if (!chance(5)) out += element("Creation-Time", date());
        if (!chance(5)) out += element("Last-Modified", date());
        if (!chance(5)) out += element("Etag", "0x8D" + std::to_string(below(1000)));
        for (const char* n :
             {"Content-Type", "Content-Encoding", "Content-Language", "Content-MD5", "Content-Disposition",
              "Cache-Control", "AccessTier", "LeaseStatus", "LeaseState", "CopyId", "CopyStatus",
              "CopyProgress", "CopyStatusDescription", "Content-CRC64", "ServerEncrypted"}) {
            if (chance(2)) out += element(n, chance(3) ? "" : text());
        }
        static const char* types[] = {"BlockBlob", "AppendBlob", "PageBlob"};
        if (!chance(4)) out += element("BlobType", types[below(3)]);
        if (chance(6)) out += element("ResourceType", chance(2) ? "directory" : "file");
        if (chance(4)) out += unknown();
        out += "</Properties>";
        if (chance(2)) {
            out += "<Metadata>";
            if (chance(3)) out += "<hdi_isfolder>true</hdi_isfolder>";
            if (chance(2)) out += element("Mtime", text()) + element("k_2", "");
            out += "</Metadata>";
        } else if (chance(2)) {
            out += "<Metadata />";
        }
        if (chance(3))
            out += "<Tags><TagSet><Tag><Key>k</Key><Value>" + text() + "</Value></Tag>" + gap() +
                   "<Tag><Key>l</Key><Value/></Tag></TagSet></Tags>";
        if (chance(4)) out += "<OrMetadata><x>1</x></OrMetadata>";
        return out + "</Blob>";
    }

    std::mt19937_64 random_;
};

}  // namespace act::blob
