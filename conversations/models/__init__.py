"""What is true: one noun per file with its QuerySet. Everything above reads and writes through these."""

from .attachment import Attachment
from .audit_event import AuditEvent
from .budget import Budget
from .conversation import Conversation
from .generation import Generation, GenerationStatus
from .generation_event import GenerationEvent
from .invitation import Invitation
from .language_model import LanguageModel
from .message import Message
from .participant import Participant
from .provider import Provider
from .read_mark import ReadMark
from .share_link import ShareLink
from .stored_file import StoredFile
from .usage_day import FirstTokenDay, UsageDay, UsageDayTotal, UsageMonth
from .usage_record import UsageRecord
from .user import User
from .workspace import Workspace

__all__ = [
    "Attachment",
    "AuditEvent",
    "Budget",
    "Conversation",
    "FirstTokenDay",
    "Generation",
    "GenerationEvent",
    "GenerationStatus",
    "Invitation",
    "LanguageModel",
    "Message",
    "Participant",
    "Provider",
    "ReadMark",
    "ShareLink",
    "StoredFile",
    "UsageDay",
    "UsageDayTotal",
    "UsageMonth",
    "UsageRecord",
    "User",
    "Workspace",
]
