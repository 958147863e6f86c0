import Bytes
import Dispatching
import EventLog
package import Events
import Merkle
import Views

extension Ledger {
  /// Records that an export was handed to somebody.
  ///
  /// - Returns: The event that says so, and whether it was there before: one of the same id.
  /// - Throws: `.otherHistory` where the export isn't of this ledger's events; `.exportKnown` where
  ///   its id stands for another export.
  package func recordExport(
    _ issued: LedgerExportIssued
  ) throws(LedgerError) -> (event: EventID, isRepeated: Bool) {
    let turn = try takeTurn()
    let size = UInt64(issued.size)
    guard size <= turn.size else { throw .otherHistory(size: size) }
    let tree = try catchUpTree(to: turn.frontier, durable: turn.durable)
    let frontier = try inStorage { () throws(StorageError) in try tree.frontier(of: size) }
    guard sameBytes(frontier.root.base64, issued.root.text) else {
      throw .otherHistory(size: size)
    }
    if let known = try issuedExport(issued.exportID, durable: turn.durable) {
      guard known.issued == issued else {
        throw .exportKnown(issued.exportID, event: known.event)
      }
      return (known.event, true)
    }
    let receipt = try turn.commit([EventDraft(.ledgerExportIssued(issued))])
    return (receipt.first, false)
  }

  /// The event that has recorded an export under this id.
  private func issuedExport(
    _ id: EntityID, durable: LogPosition
  ) throws(LedgerError) -> (event: EventID, issued: LedgerExportIssued)? {
    let events = try inViews { () throws(ViewError) in try views.streams.events(of: .ledger) }
    let reader = try inLog { () throws(LogError) in
      try LogReader(storage, identity: identity, durable: durable)
    }
    for event in events {
      let line = try line(of: event.id, at: event.location, in: reader)
      guard let line, let decoded = try? Event(decoding: line),
        case .ledgerExportIssued(let issued) = decoded.payload, issued.exportID == id
      else { continue }
      return (event.id, issued)
    }
    return nil
  }
}
