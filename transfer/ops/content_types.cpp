#include "transfer/ops/content_types.hpp"

#include <algorithm>

#include "engine/core/units.hpp"
#include "engine/file/file.hpp"

namespace act::ops {

namespace {

constexpr std::size_t longest_extension = 16;

struct known {
    std::string_view extension, type;
};

// By extension, in order. What only holds numbers is named as well: a system's table has other ideas of .pt.
constexpr known table[] = {
    {"7z", "application/x-7z-compressed"},
    {"aac", "audio/aac"},
    {"avi", "video/x-msvideo"},
    {"avif", "image/avif"},
    {"bash", "application/x-sh"},
    {"bin", "application/octet-stream"},
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"c", "text/x-c"},
    {"cc", "text/x-c++"},
    {"cfg", "text/plain"},
    {"ckpt", "application/octet-stream"},
    {"conf", "text/plain"},
    {"cpp", "text/x-c++"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"dat", "application/octet-stream"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"eot", "application/vnd.ms-fontobject"},
    {"epub", "application/epub+zip"},
    {"flac", "audio/flac"},
    {"geojson", "application/geo+json"},
    {"gguf", "application/octet-stream"},
    {"gif", "image/gif"},
    {"glb", "model/gltf-binary"},
    {"gltf", "model/gltf+json"},
    {"gz", "application/gzip"},
    {"h", "text/x-c"},
    {"h5", "application/x-hdf5"},
    {"hdf5", "application/x-hdf5"},
    {"heic", "image/heic"},
    {"hpp", "text/x-c++"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ico", "image/x-icon"},
    {"ini", "text/plain"},
    {"ipynb", "application/x-ipynb+json"},
    {"jar", "application/java-archive"},
    {"java", "text/x-java"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"jsonl", "application/jsonl"},
    {"jsonld", "application/ld+json"},
    {"log", "text/plain"},
    {"m4a", "audio/mp4"},
    {"m4v", "video/x-m4v"},
    {"map", "application/json"},
    {"md", "text/markdown"},
    {"mid", "audio/midi"},
    {"mjs", "text/javascript"},
    {"mkv", "video/x-matroska"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"mpeg", "video/mpeg"},
    {"mpg", "video/mpeg"},
    {"ndjson", "application/x-ndjson"},
    {"npy", "application/octet-stream"},
    {"npz", "application/zip"},
    {"obj", "model/obj"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"onnx", "application/octet-stream"},
    {"opus", "audio/ogg"},
    {"otf", "font/otf"},
    {"parquet", "application/vnd.apache.parquet"},
    {"pb", "application/octet-stream"},
    {"pdf", "application/pdf"},
    {"pickle", "application/octet-stream"},
    {"pkl", "application/octet-stream"},
    {"png", "image/png"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"pt", "application/octet-stream"},
    {"pth", "application/octet-stream"},
    {"py", "text/x-python"},
    {"rar", "application/vnd.rar"},
    {"rs", "text/x-rust"},
    {"rst", "text/x-rst"},
    {"rtf", "application/rtf"},
    {"safetensors", "application/octet-stream"},
    {"sh", "application/x-sh"},
    {"sql", "application/sql"},
    {"srt", "application/x-subrip"},
    {"stl", "model/stl"},
    {"svg", "image/svg+xml"},
    {"svgz", "application/gzip"},
    {"tar", "application/x-tar"},
    {"tbz2", "application/x-bzip2"},
    {"tex", "application/x-tex"},
    {"tfrecord", "application/octet-stream"},
    {"tgz", "application/gzip"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"toml", "application/toml"},
    {"tsv", "text/tab-separated-values"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"weba", "audio/webm"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "application/xml"},
    {"xz", "application/x-xz"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"}};

constexpr bool by_extension(const known& a, const known& b) { return a.extension < b.extension; }
static_assert(std::is_sorted(std::begin(table), std::end(table), by_extension));

void lower(char& c) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
}

}  // namespace

const content_types& content_types::shared() {
    static const content_types all;
    return all;
}

std::string_view content_types::of(std::string_view name) const {
    name.remove_prefix(name.rfind('/') + 1);
    const std::size_t dot = name.rfind('.');
    // ".profile" has no extension.
    if (dot == name.npos || dot == 0 || name.size() - dot - 1 > longest_extension) return {};
    char letters[longest_extension];
    const std::size_t size = name.copy(letters, longest_extension, dot + 1);
    std::for_each(letters, letters + size, lower);
    const std::string_view extension(letters, size);

    const auto found =
        std::lower_bound(std::begin(table), std::end(table), known{extension, {}}, by_extension);
    if (found != std::end(table) && found->extension == extension) return found->type;
    std::call_once(read_, [this] { read(); });
    const auto more = more_.find(std::string(extension));
    return more == more_.end() ? std::string_view() : more->second;
}

/// Lines of a type and the extensions that have it, as mime.types(5) says.
void content_types::read() const {
    const auto text = file::read_all(system_table_, 4 * MiB);
    if (!text) return;
    constexpr std::string_view blank = " \t\r";
    for (std::size_t at = 0; at < text->size();) {
        const std::size_t end = std::min(text->find('\n', at), text->size());
        std::string_view line = std::string_view(*text).substr(at, end - at);
        line = line.substr(0, line.find('#'));
        at = end + 1;
        std::string_view type;
        for (std::size_t word = line.find_first_not_of(blank); word != line.npos;
             word = line.find_first_not_of(blank, word)) {
            const std::size_t stop = std::min(line.find_first_of(blank, word), line.size());
            const std::string_view text_of_word = line.substr(word, stop - word);
            word = stop;
            if (type.empty()) {
                type = text_of_word;
                // It becomes a header.
                const auto printable = [](char c) { return c > ' ' && c <= '~'; };
                if (type.find('/') == type.npos || !std::all_of(type.begin(), type.end(), printable)) break;
                continue;
            }
            std::string extension(text_of_word);
            std::for_each(extension.begin(), extension.end(), lower);
            more_.try_emplace(std::move(extension), type);
        }
    }
}

}  // namespace act::ops
