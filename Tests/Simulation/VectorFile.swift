import Foundation

/// A file of `ledger/vectors`, read by Foundation's decoder rather than by the code under test.
package enum VectorFile {
  package struct Missing: Error {
    package let name: String
  }

  /// The content of `ledger/vectors/NAME.json`.
  ///
  /// The folder is found by walking up from this source file, so tests may run anywhere.
  package static func load<Content: Decodable>(
    _ name: String, as type: Content.Type = Content.self
  ) throws -> Content {
    var folder = URL(filePath: #filePath)
    while folder.path() != "/" {
      folder.deleteLastPathComponent()
      let file = folder.appending(path: "ledger/vectors/\(name).json")
      guard FileManager.default.fileExists(atPath: file.path()) else { continue }
      return try JSONDecoder().decode(type, from: Data(contentsOf: file))
    }
    throw Missing(name: name)
  }
}
