package import Bytes
import Dispatching
package import Events
package import Views

extension Presenter {
  func hold(_ id: EntityID) throws(ViewError) -> JSONObject? {
    try views.retention.hold(id).map(describe)
  }

  func allHolds() throws(ViewError) -> [JSONObject] { try views.retention.holds().map(describe) }

  private func describe(_ hold: StandingHold) -> JSONObject {
    var document = recordObject(hold.placed)
    document["event"] = .string(String(hold.event))
    document["released"] = hold.released.map { .string(String($0)) }
    return document
  }

  /// An archive with its files.
  func archive(_ id: EntityID) throws(ViewError) -> JSONObject? {
    guard let archive = try views.retention.archive(id) else { return nil }
    var document = archive.document
    document["segments"] = .array(archive.segments.map { .object(recordObject($0)) })
    return document
  }

  func allArchives() throws(ViewError) -> [JSONObject] {
    try views.retention.archives().map(\.document)
  }
}

extension ArchiveRow {
  fileprivate var document: JSONObject {
    var document = JSONObject()
    document["event"] = .string(String(event))
    document["first"] = .string(String(first))
    document["id"] = .string(id.text)
    document["last"] = .string(String(last))
    document["root"] = root.map { .string($0.text) }
    document["state"] = .string(state.rawValue)
    return document
  }
}

/// What `status` and `doctor` tell of holds and archives.
package struct RetentionStatus {
  private let holds: [StandingHold]
  private let archives: [ArchiveRow]

  package init(_ views: ViewStore) throws(ViewError) {
    holds = try views.retention.holds().filter { $0.released == nil }
    archives = try views.retention.archives()
  }

  /// A line for each archive and each hold that holds.
  package var lines: [String] {
    archives.map {
      "archive \($0.id.text): events \($0.first) to \($0.last), \($0.state.rawValue) "
        + "(event \($0.event))"
    }
      + holds.map { "hold \($0.placed.id.text): \($0.placed.reason) (event \($0.event))" }
  }

  /// All of it in a few words; `nil` where there is nothing to tell.
  package var summary: String? {
    var parts: [String] = []
    for state in ArchiveRow.State.allCases {
      let count = archives.count { $0.state == state }
      if count > 0 { parts.append("\(count) archives \(state.rawValue)") }
    }
    if !holds.isEmpty { parts.append("\(holds.count) legal holds") }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  package var archivesDocument: JSON { .array(archives.map { .object($0.document) }) }

  package var holdsDocument: JSON { .array(holds.map { .string($0.placed.id.text) }) }
}

/// That events are asked for which lie in an archive, or did.
package func archivedText(
  _ ids: Range<EventID>, _ archive: String?, isDisposed: Bool
) -> String {
  let events = "events \(ids.lowerBound) to \(ids.upperBound - 1)"
  let name = archive.map { " \($0)" } ?? ""
  return isDisposed
    ? "\(events) were in archive\(name), which was disposed of"
    : "\(events) are in archive\(name)"
}
