"""Django's admin with our own site in the place of its default one."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class AuditedAdminConfig(AdminConfig):
    default_site = "chatsite.admin_site.AuditedSite"
