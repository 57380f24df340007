from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0012_upstream_of_answers'),
    ]

    operations = [
        migrations.AddField(
            model_name='sharelink',
            name='title',
            field=models.CharField(blank=True, default='', max_length=200),
        ),
    ]
