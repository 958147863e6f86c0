import Dispatching
import Events

// The words of how notices and attempts stand, as columns hold them.
extension AttemptFate: ColumnValue {}
extension EvidenceStrength: ColumnValue {}
extension NoticeKind: ColumnValue {}
extension NoticeState: ColumnValue {}
extension SuppressionReason: ColumnValue {}
