package import Audit
package import EventLog
import Views

/// The views of a history as one SQLite file (`FORMAT.md` §22).
package enum SQLiteExport {
  /// Fills a file, which is there and empty, with the views, and leaves it whole by itself: without
  /// a write-ahead log beside it.
  package static func write(
    _ reader: LogReader, at point: HistoryPoint?, to path: String,
    workers: @escaping Workers = oneByOne
  ) throws(ExportError) {
    do {
      let store = try ViewStore(.file(path))
      try store.create()
      var cursor = try HistoryCursor(reader, to: point)
      try Projector(views: store, workers: workers).project(
        next: { () throws(AuditError) in try cursor.read() }, to: point)
      try store.makeSelfContained()
    } catch let error as AuditError {
      throw .audit(error)
    } catch let error as ViewError {
      throw .audit(.views(error))
    } catch {
      fatalError("invariant broken: \(error) while views are exported")
    }
  }
}
