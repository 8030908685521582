"""How the house learns of objects where the storage itself sends no notifications: SeaweedFS' filer, followed."""
